"""The agent's kubeconfig: made, read again, found wanting."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from agent.certificates import new_key, signing_request
from agent.hub_kubeconfig import by_certificate, by_token, certificate_of, fault
from controllers.kube.kubeconfig import KubeconfigError
from tests.certificates import BEGINS, issued

HUB = {"server": "https://hub:6443", "certificate-authority-data": "QQ=="}
NOON = BEGINS + datetime.timedelta(hours=12)


def made(cluster: str = "c1", **more: float) -> dict[str, Any]:
    key = new_key()
    return by_certificate(HUB, cluster, issued(signing_request(key, cluster), **more), key)


def test_its_certificate_is_read_again() -> None:
    found = certificate_of(made())
    assert found is not None
    assert found.is_ours("c1")
    assert certificate_of(by_token(HUB, "c1", "t")) is None


def test_it_keeps_how_the_hub_is_reached_and_its_namespace() -> None:
    kept = made()
    assert kept["clusters"] == [{"name": "hub", "cluster": HUB}]
    assert kept["contexts"][0]["context"]["namespace"] == "c1"


@pytest.mark.parametrize(
    ("kept", "hub", "why"),
    [
        (made(), "", ""),
        (made(), "https://hub:6443", ""),
        (by_token(HUB, "c1", "t"), "https://hub:6443", ""),
        (made(), "https://other:6443", "it is for another hub, https://hub:6443"),
        (
            made("c2"),
            "",
            "its certificate is for system:open-cluster-management:c2:argosy-agent, not for the agent",
        ),
        (made(hours=12), "", "its certificate has ended at 2026-01-01 12:00 UTC"),
        ({}, "", "its contexts has no None"),
    ],
)
def test_what_is_wrong_with_it_is_said(kept: dict[str, Any], hub: str, why: str) -> None:
    found = fault(kept, "c1", NOON, hub=hub)
    assert found.startswith(why)
    assert bool(found) is bool(why)


def test_a_key_of_another_certificate_is_noticed() -> None:
    kept = made()
    kept["users"][0]["user"]["client-key-data"] = made()["users"][0]["user"]["client-key-data"]
    with pytest.raises(KubeconfigError, match="not the certificate's"):
        certificate_of(kept)
    assert fault(kept, "c1", NOON) == "its key is not the certificate's"


def test_a_certificate_that_is_none_is_noticed() -> None:
    kept = made()
    kept["users"][0]["user"]["client-certificate-data"] = "QQ=="
    assert fault(kept, "c1", NOON).startswith("not a certificate")
