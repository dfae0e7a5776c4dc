"""A client whose wire to the hub the test can cut."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from controllers.kube.client import Client
from hack.fleet.provider import Cluster
from tests.integration.tcp_proxy import TcpProxy, target_of, through


@pytest.fixture
async def proxy(hub: Cluster) -> AsyncIterator[TcpProxy]:
    made = TcpProxy(*target_of(hub.kubeconfig))
    yield made
    await made.stop()


@pytest.fixture
async def proxied(hub: Cluster, proxy: TcpProxy, tmp_path: Path) -> AsyncIterator[Client]:
    """A client behind `proxy`."""
    port = await proxy.start()
    connected = await Client.connect(through(hub.kubeconfig, port, tmp_path / "proxied.kubeconfig"))
    yield connected
    await connected.close()
