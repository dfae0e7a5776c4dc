"""How a cluster is let in: its rights are made, its certificate is approved, its ManagedCluster says so.

Done by the hub's registration controller, and by `python -m agent join --accept` and `python -m registration accept`
with an administrator's credentials.
"""

from __future__ import annotations

import contextlib

import msgspec

from controllers.api import fingerprint
from controllers.api.keys import CLUSTER_NAME_LABEL
from controllers.api.kinds import CERTIFICATE_SIGNING_REQUEST, CLUSTER_ROLE, MANAGED_CLUSTER, NAMESPACE
from controllers.api.membership import KEY_ANNOTATION, Owned, is_of, membership, name_fault, role_name
from controllers.api.meta import timestamp
from controllers.api.signing import SigningCondition, SigningRequest
from controllers.kube.client import Client
from controllers.kube.errors import AlreadyExists, NotFound
from controllers.kube.object import Object
from controllers.kube.patch import apply_patch, json_patch, merge_patch
from controllers.runtime.clock import now

_FIELD_MANAGER = "argosy-registration"


class NotAccepted(Exception):
    """The cluster can't be accepted as it is; the text says why and what to do."""


async def make(hub: Client, owned: Owned) -> None:
    """Makes an object of a member what it should be. Raises ApiError, and NotAccepted for somebody else's namespace.

    A namespace that is there stays as it is, also when the cluster leaves.
    """
    if owned.kind == NAMESPACE:
        await _make_namespace(hub, owned)
        return
    if owned.is_free:
        with contextlib.suppress(AlreadyExists):
            await hub.create(owned.kind, owned.body, namespace=owned.namespace)
        return
    patch = apply_patch(owned.body, field_manager=_FIELD_MANAGER, force=True)
    await hub.patch(owned.kind, owned.name, patch, namespace=owned.namespace)


async def _make_namespace(hub: Client, owned: Owned) -> None:
    name = owned.name
    try:
        await hub.create(NAMESPACE, owned.body)
    except AlreadyExists:
        found = await hub.find(NAMESPACE, name)
        if found is not None and not is_of(name, found.metadata.labels):
            raise NotAccepted(
                f"the hub has a namespace {name} that is somebody else's, and the agent would get rights in it: choose "
                f"another name for the cluster, or give it the namespace (kubectl label namespace {name} "
                f"{CLUSTER_NAME_LABEL}={name})"
            ) from None


async def accept(hub: Client, cluster: Object) -> None:
    """Lets the cluster in, a ManagedCluster as it was read, and gives it its rights. Safe to repeat.

    Raises NotAccepted, ApiError; Conflict if it was deleted, or made again, since it was read.
    """
    name, uid = cluster.metadata.name, cluster.metadata.uid
    if fault := name_fault(name):
        raise NotAccepted(fault)
    if cluster.metadata.deletion_timestamp is not None:
        raise NotAccepted(leaving(cluster))
    namespace, *others = membership(name, uid)
    await make(hub, namespace)
    # Before the rights: those of a cluster that is not accepted are taken away by the registration controller.
    accepted = [
        {"op": "test", "path": "/metadata/uid", "value": uid},
        {"op": "test", "path": "/metadata/deletionTimestamp", "value": None},
        {"op": "add", "path": "/spec/hubAcceptsClient", "value": True},
    ]
    await hub.patch(MANAGED_CLUSTER, name, json_patch(accepted))
    for owned in others:
        await make(hub, owned)


def leaving(cluster: Object) -> str:
    """What to say of a ManagedCluster that is being deleted."""
    meta = cluster.metadata
    return (
        f"{meta.name} is leaving the hub (since {meta.deletion_timestamp}): join again when it is gone "
        f"(kubectl wait --for=delete managedcluster {meta.name}); what keeps it is in its finalizers"
    )


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
    await remember_key(hub, asked)
    conditions = msgspec.to_builtins([*asked.status.conditions, approved])
    patch = merge_patch({"status": {"conditions": conditions}}, resource_version=meta.resource_version)
    await hub.patch(CERTIFICATE_SIGNING_REQUEST, meta.name, patch, subresource="approval")


async def remember_key(hub: Client, asked: SigningRequest) -> None:
    """Has the hub know again the key for which the cluster's agent gets a certificate. Raises ApiError.

    Where the cluster has no role of ours there is nothing to keep it in: without rights, the key is of no use yet.
    """
    cluster = asked.metadata.labels.get(CLUSTER_NAME_LABEL, "")
    annotations = {KEY_ANNOTATION: fingerprint.of_request(asked.spec.request)}
    with contextlib.suppress(NotFound):
        await hub.patch(
            CLUSTER_ROLE, role_name(cluster), merge_patch({"metadata": {"annotations": annotations}})
        )


async def known_key(hub: Client, cluster: str) -> str:
    """The fingerprint of the key that the cluster's agent was last given a certificate for, "" if none is known."""
    role = await hub.find(CLUSTER_ROLE, role_name(cluster))
    return role.metadata.annotations.get(KEY_ANNOTATION, "") if role is not None else ""
