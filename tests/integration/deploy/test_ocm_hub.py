"""A hub where Open Cluster Management is installed, as its API server tells: nothing of ours stands in its way."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from controllers.api.kinds import ADMISSION_POLICY_BINDING, CRD
from controllers.kube.client import Client
from controllers.ocm import is_ocm_hub
from hack.fleet import admission
from hack.fleet.api import Api
from tests.eventually import eventually
from tests.integration.bodies import of
from tests.processes import ROOT

_NAME = "clustermanagers.operator.open-cluster-management.io"


@pytest.fixture
async def operator(client: Client) -> AsyncIterator[None]:
    """The kind that OCM's operator makes a hub of, for this test only."""
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    names = {"plural": "clustermanagers", "singular": "clustermanager", "kind": "ClusterManager"}
    version = {"name": "v1", "served": True, "storage": True, "schema": schema}
    spec = {"group": _NAME.partition(".")[2], "names": names, "scope": "Cluster", "versions": [version]}
    await client.create(CRD, of(CRD, _NAME, spec=spec))
    await eventually(lambda: is_ocm_hub(client), what="its kind is served")
    yield
    await client.delete(CRD, _NAME)

    async def is_gone() -> bool:
        return not await is_ocm_hub(client)

    await eventually(is_gone, what="an ordinary hub again")


@pytest.mark.usefixtures("operator")
async def test_neither_policies_nor_registration_are_for_there(kubeconfig: Path) -> None:
    api = Api(kubeconfig)
    assert "Open Cluster Management is installed there" in await asyncio.to_thread(admission.obstacle, api)
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "registration", "run", "--kubeconfig", str(kubeconfig), "--listen=none"],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (done.returncode, "registration is not for there" in done.stderr) == (2, True), done.stderr


async def test_on_another_hub_the_policies_are_in_place(kubeconfig: Path) -> None:
    """Which the hub of the tests has from the local fleet."""
    api = Api(kubeconfig)
    assert await asyncio.to_thread(admission.obstacle, api) == ""
    names = [body["metadata"]["name"] for body in admission.load(admission.CLUSTERS)]
    assert len(set(names)) == 5
    found = await asyncio.to_thread(api.list, ADMISSION_POLICY_BINDING)
    assert set(names) <= {body["metadata"]["name"] for body in found["items"]}
