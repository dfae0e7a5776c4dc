"""Which addresses credentials are sent to, and where a process listens that is not told."""

from __future__ import annotations

from typing import Any

import pytest

from controllers.kube.configuration import ConfigError, configured, default_listen
from controllers.kube.kubeconfig import kubeconfig

TOKEN = {"token": "secret"}


@pytest.mark.parametrize(
    "server",
    ["http://hub.example:8080", "http://10.0.0.1", "http://localhost.example", "http://[fd00::1]:80"],
)
async def test_credentials_are_not_sent_where_everybody_reads_them(server: str) -> None:
    with pytest.raises(ConfigError, match="without TLS everybody on the way reads the credentials"):
        await configured(kubeconfig({"server": server}, TOKEN, user="u"))


@pytest.mark.parametrize(
    ("server", "account"),
    [
        ("https://hub.example:6443", TOKEN),
        ("http://127.0.0.1:8001", TOKEN),
        ("http://[::1]:8001", TOKEN),
        ("http://localhost:8001", TOKEN),
        ("http://hub.example:8080", {}),
    ],
)
async def test_other_addresses_are_asked(server: str, account: dict[str, Any]) -> None:
    assert (await configured(kubeconfig({"server": server}, account, user="u"))).host == server


def test_only_a_pod_is_asked_from_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    assert default_listen(8080) == "127.0.0.1:8080"
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1")
    assert default_listen(8080) == ":8080"
