"""When the evaluator is wanted: where no Open Cluster Management makes the decisions."""

from __future__ import annotations

from typing import Any, cast

import msgspec
import pytest

from controllers.kube.client import Client
from controllers.kube.errors import NotFound
from placement.evaluator.wiring import is_wanted


class Discovery:
    """A hub that serves these kinds of OCM's operator; None: not even the group."""

    def __init__(self, resources: list[str] | None) -> None:
        self._resources = resources

    async def request(self, method: str, path: str) -> bytes:
        assert (method, path) == ("GET", "/apis/operator.open-cluster-management.io/v1")
        if self._resources is None:
            raise NotFound("no such group", status=404)
        listed: dict[str, Any] = {"resources": [{"name": name} for name in self._resources]}
        return msgspec.json.encode(listed)


@pytest.mark.parametrize(
    ("mode", "resources", "wanted"),
    [
        ("auto", None, True),
        ("auto", ["clustermanagers", "clustermanagers/status"], False),
        ("auto", ["clustermanagers", "klusterlets"], False),  # a hub that is its own managed cluster
        ("auto", ["klusterlets", "klusterlets/status"], True),  # a managed cluster of another hub
        ("on", ["clustermanagers"], True),
        ("off", None, False),
    ],
)
async def test_is_wanted(mode: str, resources: list[str] | None, wanted: bool) -> None:
    hub = cast("Client", Discovery(resources))
    assert await is_wanted(hub, mode) is wanted
