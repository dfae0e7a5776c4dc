"""A namespace that was there before `make deploy` stays as it is, then and with `make undeploy`."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from controllers.api.kinds import NAMESPACE
from controllers.kube.client import Client
from hack.deploy import __main__ as deploy
from tests.deployed import program
from tests.integration.bodies import of

_BASE = """\
apiVersion: v1
kind: Namespace
metadata:
  name: {name}
  labels:
    app.kubernetes.io/part-of: argosy
    pod-security.kubernetes.io/enforce: restricted
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: ours
  namespace: {name}
"""


def base(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Something to deploy in place of deploy/hub, in a namespace of the test's."""
    folder = tmp_path / "hub"
    folder.mkdir()
    (folder / "kustomization.yaml").write_text("resources: [all.yaml]\n")
    (folder / "all.yaml").write_text(_BASE.format(name=name))
    monkeypatch.setattr(deploy, "BASES", tmp_path)
    monkeypatch.setattr(deploy, "PARTS", {"hub": deploy.Part("hub", name, ())})
    monkeypatch.setenv("KUBECTL", str(program("kubectl")))


async def test_one_that_was_there_before_is_neither_labelled_nor_deleted(
    client: Client, kubeconfig: Path, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """L4. The fixture has made it."""
    base(tmp_path, namespace, monkeypatch)
    before = (await client.get(NAMESPACE, namespace)).metadata.labels
    arguments = ["--kubeconfig", str(kubeconfig)]
    assert await asyncio.to_thread(deploy.main, ["hub", *arguments]) == 0
    assert await client.request("GET", f"/api/v1/namespaces/{namespace}/configmaps/ours")
    assert (await client.get(NAMESPACE, namespace)).metadata.labels == before
    assert await asyncio.to_thread(deploy.main, ["remove", "hub", *arguments]) == 0
    assert (await client.get(NAMESPACE, namespace)).metadata.deletion_timestamp is None


async def test_one_of_ours_is_labelled_and_deleted(
    client: Client, kubeconfig: Path, tmp_path: Path, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"{namespace}-ours"
    base(tmp_path, name, monkeypatch)
    body = of(NAMESPACE, name)
    body["metadata"]["labels"] = {"app.kubernetes.io/part-of": "argosy"}  # as an invitation makes it
    await client.create(NAMESPACE, body)
    arguments = ["--kubeconfig", str(kubeconfig)]
    assert await asyncio.to_thread(deploy.main, ["hub", *arguments]) == 0
    found = (await client.get(NAMESPACE, name)).metadata.labels
    assert found["pod-security.kubernetes.io/enforce"] == "restricted"
    assert await asyncio.to_thread(deploy.main, ["remove", "hub", *arguments]) == 0
    assert await client.find(NAMESPACE, name) is None
