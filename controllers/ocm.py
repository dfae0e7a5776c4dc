"""Whether Open Cluster Management is installed on a hub, which then does itself what Argosy would do in its place."""

from __future__ import annotations

from typing import Final

import msgspec

from controllers.api.model import Model
from controllers.kube.client import Client
from controllers.kube.errors import NotFound

# Where OCM's operator is installed. ClusterManager is the kind that makes a hub; a managed cluster has Klusterlet.
_OPERATOR: Final = "/apis/operator.open-cluster-management.io/v1"
_HUB: Final = "clustermanagers"


class _Resource(Model):
    name: str


class _Discovery(Model):
    resources: list[_Resource]


async def is_ocm_hub(client: Client) -> bool:
    """Raises ApiError."""
    try:
        served = msgspec.json.decode(await client.request("GET", _OPERATOR), type=_Discovery)
    except NotFound:
        return False
    return any(item.name == _HUB for item in served.resources)
