"""How a cluster is let in: its rights are made, its certificate is approved, its ManagedCluster says so.

Done by the hub's registration controller, and by `python -m agent join --accept` and `python -m registration accept`
with an administrator's credentials.
"""

from __future__ import annotations

import contextlib

import msgspec

from controllers.api.kinds import CERTIFICATE_SIGNING_REQUEST, MANAGED_CLUSTER, NAMESPACE
from controllers.api.membership import Owned, membership
from controllers.api.meta import timestamp
from controllers.api.signing import SigningCondition, SigningRequest
from controllers.kube.client import Client
from controllers.kube.errors import AlreadyExists
from controllers.kube.object import Object
from controllers.kube.patch import apply_patch, merge_patch
from controllers.runtime.clock import now

_FIELD_MANAGER = "argosy-registration"


async def make(hub: Client, owned: Owned) -> None:
    """Makes an object of a member what it should be. Raises ApiError.

    A namespace that was there before is somebody's: it stays as it is, also when the cluster leaves.
    """
    if owned.kind == NAMESPACE:
        with contextlib.suppress(AlreadyExists):
            await hub.create(NAMESPACE, owned.body)
        return
    patch = apply_patch(owned.body, field_manager=_FIELD_MANAGER, force=True)
    await hub.patch(owned.kind, owned.name, patch, namespace=owned.namespace)


async def accept(hub: Client, cluster: str) -> None:
    """Lets the cluster in, and gives it its rights. Safe to repeat. Raises ApiError.

    In this order: rights of a cluster that is not accepted are taken away by the registration controller.
    """
    await hub.patch(MANAGED_CLUSTER, cluster, merge_patch({"spec": {"hubAcceptsClient": True}}))
    for owned in membership(cluster):
        await make(hub, owned)


async def approve(hub: Client, request: Object, reason: str, message: str) -> None:
    """Approves a certificate request as it was read; one that is approved stays. Raises ApiError, Conflict."""
    meta, asked = request.metadata, request.decode(SigningRequest)
    if asked.said("Approved") is not None:
        return
    moment = timestamp(now())
    approved = SigningCondition(
        type="Approved",
        status="True",
        reason=reason,
        message=message,
        last_update_time=moment,
        last_transition_time=moment,
    )
    conditions = msgspec.to_builtins([*asked.status.conditions, approved])
    patch = merge_patch({"status": {"conditions": conditions}}, resource_version=meta.resource_version)
    await hub.patch(CERTIFICATE_SIGNING_REQUEST, meta.name, patch, subresource="approval")
