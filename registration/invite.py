"""Credentials that can do no more than ask to let a cluster in."""

from __future__ import annotations

import contextlib
from typing import Any, Final, NamedTuple

import msgspec

from controllers.api.kinds import (
    CERTIFICATE_SIGNING_REQUEST,
    CLUSTER_GROUP,
    CLUSTER_ROLE,
    CLUSTER_ROLE_BINDING,
    NAMESPACE,
    SERVICE_ACCOUNT,
    Kind,
)
from controllers.kube.client import Client
from controllers.kube.errors import AlreadyExists
from controllers.kube.kubeconfig import kubeconfig
from controllers.kube.patch import apply_patch

Json = dict[str, Any]

ACCOUNT: Final = "agent-bootstrap"
_ROLE: Final = "argosy:bootstrap"
_FIELD_MANAGER: Final = "argosy-registration"


class Invitation(NamedTuple):
    """`identity`: who comes with it, for --auto-accept. `kubeconfig`: of the hub."""

    identity: str
    kubeconfig: Json


async def invite(hub: Client, reached: Json, *, namespace: str, seconds: int) -> Invitation:
    """Makes the account and its rights, unless they are there, and a token that holds for `seconds`.

    `reached`: how, as of `kubeconfig.cluster_of`. Raises ApiError.
    """
    with contextlib.suppress(AlreadyExists):
        body = _object(NAMESPACE, namespace)
        body["metadata"]["labels"] = {
            "app.kubernetes.io/part-of": "argosy"
        }  # so that deploy/ may complete it
        await hub.create(NAMESPACE, body)
    for kind, body in _objects(namespace):
        patch = apply_patch(body, field_manager=_FIELD_MANAGER, force=True)
        await hub.patch(
            kind, body["metadata"]["name"], patch, namespace=body["metadata"].get("namespace", "")
        )
    asked = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "spec": {"expirationSeconds": seconds},
    }
    answer = await hub.request(
        "POST", f"{SERVICE_ACCOUNT.path(namespace, ACCOUNT)}/token", body=msgspec.json.encode(asked)
    )
    token = msgspec.json.decode(answer)["status"]["token"]
    identity = f"system:serviceaccount:{namespace}:{ACCOUNT}"
    return Invitation(identity, kubeconfig(reached, {"token": token}, user=ACCOUNT))


def _objects(namespace: str) -> list[tuple[Kind, Json]]:
    requests = CERTIFICATE_SIGNING_REQUEST
    rules = [
        {"apiGroups": [CLUSTER_GROUP], "resources": ["managedclusters"], "verbs": ["create"]},
        {
            "apiGroups": [requests.group],
            "resources": [requests.plural],
            "verbs": ["get", "list", "watch", "create"],
        },
    ]
    binding = {
        "roleRef": {"apiGroup": CLUSTER_ROLE.group, "kind": CLUSTER_ROLE.kind, "name": _ROLE},
        "subjects": [{"kind": SERVICE_ACCOUNT.kind, "name": ACCOUNT, "namespace": namespace}],
    }
    return [
        (SERVICE_ACCOUNT, _object(SERVICE_ACCOUNT, ACCOUNT, namespace)),
        (CLUSTER_ROLE, _object(CLUSTER_ROLE, _ROLE) | {"rules": rules}),
        (CLUSTER_ROLE_BINDING, _object(CLUSTER_ROLE_BINDING, _ROLE) | binding),
    ]


def _object(kind: Kind, name: str, namespace: str = "") -> Json:
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata}
