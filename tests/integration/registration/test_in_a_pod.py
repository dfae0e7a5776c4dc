"""The agent as a pod runs it: it joins by itself, and keeps its credentials in a Secret of its cluster.

Its managed cluster is the hub itself, which is all the same to it.
"""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest
import yaml

from agent.certificates import new_key
from agent.credentials import SecretKeep
from agent.hub_kubeconfig import certificate_of
from controllers.api.kinds import MANAGED_CLUSTER, SECRET
from controllers.api.membership import user
from controllers.kube.client import Client
from tests.eventually import eventually
from tests.integration.registration.joining import TRUSTED, registering
from tests.processes import ROOT, Process

READY = '"event":"started"'


def pod(cluster: str, bootstrap: Path, managed: Path, logs: Path, *more: str) -> Process:
    arguments = ["agent", "run", "--cluster", cluster, "--kubeconfig", str(managed), "--log-format", "json"]
    arguments += ["--bootstrap-kubeconfig", str(bootstrap), "--no-leader-elect", "--lease-seconds", "1"]
    arguments += ["--hub-kubeconfig-secret", f"default/{cluster}", *more]
    return Process(cluster, arguments, logs / f"{cluster}.log")


async def test_it_waits_alive_until_it_is_accepted_and_then_works(
    client: Client, kubeconfig: Path, bootstrap: Path, cluster: str, tmp_path: Path
) -> None:
    agent = pod(cluster, bootstrap, kubeconfig, tmp_path, "--listen", "127.0.0.1:0", "--label", "tier=gold")
    try:
        await agent.start(ready="certificate_requested")
        served = next(line for line in agent.log.read_text().splitlines() if "health_serving" in line)
        port = json.loads(served)["port"]
        assert await asyncio.to_thread(status, f"http://127.0.0.1:{port}/healthz") == 200
        assert await asyncio.to_thread(status, f"http://127.0.0.1:{port}/readyz") == 503
        async with registering(client, TRUSTED, health=True):
            await eventually(lambda: READY in agent.log.read_text(), within=60, what="it works")

            async def available() -> bool:
                body = (await client.get(MANAGED_CLUSTER, cluster)).to_dict()
                found = {
                    item["type"]: item["status"] for item in body.get("status", {}).get("conditions", [])
                }
                return found.get("ManagedClusterConditionAvailable") == "True"

            await eventually(available, what="available")
        body = await client.get(MANAGED_CLUSTER, cluster)
        assert body.metadata.labels["tier"] == "gold"
        secret = (await client.get(SECRET, cluster, namespace="default")).to_dict()
        assert set(secret["data"]) == {"kubeconfig"}
        kept = yaml.safe_load(base64.b64decode(secret["data"]["kubeconfig"]))
        certificate = certificate_of(kept)
        assert certificate is not None
        assert certificate.user == user(cluster)
        assert agent.stop() == 0
        await agent.start()
        assert agent.log.read_text().count("certificate_requested") == 1, "what it has is used again"
    finally:
        agent.kill()
        await client.delete(SECRET, cluster, namespace="default")


def status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


async def test_it_can_be_stopped_while_it_waits(
    client: Client, kubeconfig: Path, bootstrap: Path, cluster: str, tmp_path: Path
) -> None:
    agent = pod(cluster, bootstrap, kubeconfig, tmp_path, "--listen", "none")
    await agent.start(ready="certificate_requested")
    assert agent.stop() == 0
    assert "Traceback" not in agent.log.read_text()
    await client.delete(SECRET, cluster, namespace="default")


@pytest.mark.parametrize(
    ("content", "why"),
    [("", "cannot load a kubeconfig"), ("{", "cannot load a kubeconfig"), ("{}", "its contexts has no None")],
)
async def test_bootstrap_credentials_that_are_none_are_named(
    kubeconfig: Path, cluster: str, tmp_path: Path, content: str, why: str
) -> None:
    bootstrap = tmp_path / "bootstrap.kubeconfig"
    bootstrap.write_text(content)
    arguments = [
        "--cluster",
        cluster,
        "--kubeconfig",
        str(kubeconfig),
        "--bootstrap-kubeconfig",
        str(bootstrap),
    ]
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "agent", "run", *arguments, "--hub-kubeconfig-secret", f"default/{cluster}"],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 2
    assert f"error: cannot load a kubeconfig from {bootstrap}" in done.stderr
    assert why in done.stderr
    assert "Traceback" not in done.stderr


async def test_a_secret_keeps_key_and_kubeconfig_apart(client: Client, cluster: str) -> None:
    keep = SecretKeep(client, "default", cluster)
    assert (await keep.load(), await keep.pending()) == (None, None)
    key = new_key()
    await keep.hold(key)
    assert (await keep.load(), await keep.pending()) == (None, key)
    await keep.save({"a": "b"})
    assert (await keep.load(), await keep.pending()) == ({"a": "b"}, None)
    await client.delete(SECRET, cluster, namespace="default")
