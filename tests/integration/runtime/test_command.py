"""`python -m controllers` as a user meets it when something is not as it should be."""

from __future__ import annotations

import asyncio
import socket
import sys
from pathlib import Path

import pytest

from hack.fleet.provider import Cluster
from tests.integration.tcp_proxy import through
from tests.processes import ROOT, controllers


async def run(*arguments: str) -> tuple[int, str]:
    """(exit status, what was said on stderr)."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "controllers",
        "run",
        "--listen",
        "none",
        *arguments,
        cwd=ROOT,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        _, said = await process.communicate()
    assert process.returncode is not None
    return process.returncode, said.decode()


@pytest.mark.parametrize("evaluator", ["auto", "off"])
async def test_a_hub_that_does_not_answer_is_waited_for(hub: Cluster, tmp_path: Path, evaluator: str) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        kubeconfig = through(hub.kubeconfig, port, tmp_path / "away.kubeconfig")
        process = controllers(kubeconfig, tmp_path, "--evaluator", evaluator)
        await process.start(ready="Cannot connect to host")
        assert process.running
        assert process.stop() == 0
    assert "Traceback" not in (tmp_path / "controllers.log").read_text()


async def test_a_kubeconfig_that_is_not_there_is_named_and_the_status_is_2(tmp_path: Path) -> None:
    status, said = await run("--kubeconfig", str(tmp_path / "nowhere"))
    assert status == 2
    assert said.startswith("error: cannot load a kubeconfig from")
    assert "nowhere" in said
    assert "Traceback" not in said


async def test_a_controller_that_does_not_exist_is_named_with_those_that_do(hub: Cluster) -> None:
    status, said = await run("--kubeconfig", str(hub.kubeconfig), "--controllers", "placement,typo")
    assert status == 2
    assert "unknown controller 'typo': choose from placement, manifestwork, statussync" in said
