"""The objects of deploy/ made ready for one cluster: which image, which membership. Pure."""

from __future__ import annotations

import base64
import copy
import hashlib
import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from controllers.kube.kubeconfig import KubeconfigError, cluster_of, parse
from hack.fleet.errors import FleetError

Json = dict[str, Any]

MEMBERSHIP_SECRET: Final = "hub-kubeconfig"
BOOTSTRAP_SECRET: Final = "bootstrap-hub-kubeconfig"
# On the agent's pods: another membership makes another pod, since the kubeconfig is read once, at the start.
MEMBERSHIP_ANNOTATION: Final = "argosy.io/membership"


def is_foreign(labels: Mapping[str, str] | None) -> bool:
    """Whether an object with these labels was made by somebody else; None: there is no such object."""
    return labels is not None and labels.get("app.kubernetes.io/part-of") != "argosy"


def with_image(objects: Iterable[Json], image: str) -> list[Json]:
    """`objects`, in whose Deployments every container runs `image`; "" leaves the image that is there."""
    changed = copy.deepcopy(list(objects))
    for pod in _pods(changed) if image else ():
        for container in pod["spec"]["containers"]:
            container["image"] = image
    return changed


def with_membership(
    objects: Iterable[Json], namespace: str, cluster: str, kubeconfig: str, *, bootstrap: bool = False
) -> list[Json]:
    """`objects` and the Secrets that make the agent in them the one of `cluster`.

    Namespaces stay first. `kubeconfig` is what `python -m agent join` has written or, with `bootstrap`, what the
    agent is to join with by itself. Raises FleetError when no pod could use it.
    """
    _check_reachable(kubeconfig)
    changed = copy.deepcopy(list(objects))
    digest = hashlib.sha256(f"{cluster}\0{kubeconfig}".encode()).hexdigest()[:16]
    secrets = [
        _secret(
            MEMBERSHIP_SECRET,
            namespace,
            {"cluster": cluster} | ({} if bootstrap else {"kubeconfig": kubeconfig}),
        )
    ]
    if bootstrap:
        secrets.append(_secret(BOOTSTRAP_SECRET, namespace, {"kubeconfig": kubeconfig}))
    for pod in _pods(changed):
        pod["metadata"].setdefault("annotations", {})[MEMBERSHIP_ANNOTATION] = digest
    namespaces = [body for body in changed if body["kind"] == "Namespace"]
    others = [body for body in changed if body["kind"] != "Namespace"]
    return [*namespaces, *secrets, *others]


def without(objects: Iterable[Json], kept: Iterable[Json]) -> list[Json]:
    """Those of `objects` that are not among `kept`, by kind and name."""
    names = {_name(body) for body in kept}
    return [body for body in objects if _name(body) not in names]


def _name(body: Json) -> tuple[str, str, str]:
    metadata = body["metadata"]
    return body["kind"], metadata.get("namespace", ""), metadata["name"]


def _pods(objects: Sequence[Json]) -> list[Json]:
    return [body["spec"]["template"] for body in objects if body["kind"] == "Deployment"]


def _secret(name: str, namespace: str, data: Json) -> Json:
    encoded = {key: base64.b64encode(text.encode()).decode() for key, text in data.items()}
    metadata = {
        "name": name,
        "namespace": namespace,
        "labels": {"app.kubernetes.io/name": "argosy-agent", "app.kubernetes.io/part-of": "argosy"},
    }
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "Opaque", "data": encoded}


def _check_reachable(kubeconfig: str) -> None:
    server = _server(kubeconfig)
    if _is_loopback(urlsplit(server).hostname or ""):
        raise FleetError(
            f"the hub's address is {server}, which in a pod is the pod itself: use a HUB_KUBECONFIG whose `server` is "
            "an address that the cluster reaches, or run the agent outside of it (make agent)"
        )


def _server(kubeconfig: str) -> str:
    """Where the current context points to."""
    try:
        return str(cluster_of(parse(kubeconfig))["server"])
    except (KubeconfigError, OSError, AttributeError, TypeError) as error:
        raise FleetError(
            "the hub's kubeconfig has no context that names a server: let `python -m agent join` write it"
        ) from error


def _is_loopback(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
    return address.is_loopback or address.is_unspecified
