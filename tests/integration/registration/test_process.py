"""`python -m registration run` as a process of its own."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from controllers.api.keys import MANAGED_CLUSTER_FINALIZER
from controllers.api.kinds import MANAGED_CLUSTER
from controllers.kube.client import Client
from tests.eventually import eventually
from tests.integration.registration.joining import TRUSTED, joined
from tests.integration.registration.test_in_a_pod import status
from tests.processes import ROOT, registration


async def test_it_lets_clusters_in_and_watches_over_them(
    client: Client, kubeconfig: Path, bootstrap: Path, cluster: str, tmp_path: Path
) -> None:
    process = registration(kubeconfig, tmp_path, f"--auto-accept={TRUSTED}", "--listen=127.0.0.1:0")
    await process.start()
    try:
        served = next(line for line in process.log.read_text().splitlines() if "health_serving" in line)
        assert await asyncio.to_thread(status, f"http://127.0.0.1:{json.loads(served)['port']}/readyz") == 200
        await asyncio.wait_for(joined(bootstrap, cluster, tmp_path / "out"), 60)

        async def is_watched_over() -> bool:
            found = await client.get(MANAGED_CLUSTER, cluster)
            conditions = found.to_dict().get("status", {}).get("conditions", [])
            accepted = [item["status"] for item in conditions if item["type"] == "HubAcceptedManagedCluster"]
            return MANAGED_CLUSTER_FINALIZER in found.metadata.finalizers and accepted == ["True"]

        await eventually(is_watched_over, what="held, and said to be accepted")
    finally:
        assert process.stop() == 0
    started = next(line for line in process.log.read_text().splitlines() if '"event":"started"' in line)
    assert json.loads(started)["controllers"] == ["health", "registration", "certificate"]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["registration", "run", "--max-certificate-days=x"], "'x' is not a number of days"),
        (["registration", "run", "--kubeconfig=none-there"], "cannot load a kubeconfig from none-there"),
        (
            ["controllers", "run", "--registration=off", "--auto-accept=x"],
            "--auto-accept is for python -m registration run",
        ),
    ],
)
async def test_wrong_use_is_explained(arguments: list[str], text: str) -> None:
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", *arguments],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (done.returncode, text in done.stderr) == (2, True), done.stderr
