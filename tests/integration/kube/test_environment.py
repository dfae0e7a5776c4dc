"""What the user's environment may do to requests, and what it may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from controllers.api.kinds import NAMESPACE
from controllers.kube.client import Client
from controllers.kube.errors import Unavailable
from hack.fleet.provider import Cluster


async def test_a_netrc_file_is_none_of_our_business(
    hub: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its `default` entry is for every host; together with our token it would make each request invalid."""
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    client = await Client.connect(hub.kubeconfig)
    try:
        assert (await client.get(NAMESPACE, "default")).metadata.name == "default"
    finally:
        await client.close()


@pytest.mark.parametrize(("no_proxy", "reached"), [("", False), ("127.0.0.1", True)])
async def test_a_proxy_of_the_environment_is_used_unless_the_host_is_excepted(
    hub: Cluster, monkeypatch: pytest.MonkeyPatch, no_proxy: str, reached: bool
) -> None:
    for name in ("https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")  # nobody listens there
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, no_proxy)
    client = await Client.connect(hub.kubeconfig)
    try:
        if reached:
            assert (await client.get(NAMESPACE, "default")).metadata.name == "default"
        else:
            with pytest.raises(Unavailable, match=r"127\.0\.0\.1:1|proxy|Proxy"):
                await client.get(NAMESPACE, "default")
    finally:
        await client.close()
