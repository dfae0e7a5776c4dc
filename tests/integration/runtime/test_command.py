"""`python -m controllers` as a user meets it when something is not as it should be."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Iterator
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


@pytest.fixture
def away(hub: Cluster, tmp_path: Path) -> Iterator[Path]:
    """A kubeconfig whose server does not answer."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # bound, not listening: nobody else can take the port
        yield through(hub.kubeconfig, bound.getsockname()[1], tmp_path / "away.kubeconfig")


async def test_without_a_hub_to_ask_who_evaluates_it_ends_with_the_reason(away: Path) -> None:
    status, said = await run("--kubeconfig", str(away))
    assert status == 1
    assert "error: the hub does not answer as it should: " in said
    assert "Traceback" not in said


async def test_a_hub_that_does_not_answer_yet_is_waited_for(away: Path, tmp_path: Path) -> None:
    process = controllers(away, tmp_path, "--evaluator", "off")
    await process.start(ready="watch_failed")
    assert process.running
    assert process.stop() == 0
    assert "Traceback" not in process.log.read_text()


async def test_a_kubeconfig_that_is_not_there_is_named_and_the_status_is_2(tmp_path: Path) -> None:
    status, said = await run("--kubeconfig", str(tmp_path / "nowhere"))
    assert status == 2
    where = tmp_path / "nowhere"
    assert (
        said
        == f"error: cannot load a kubeconfig from {where}: [Errno 2] No such file or directory: '{where}'\n"
    )


async def test_a_controller_that_does_not_exist_is_named_with_those_that_do(hub: Cluster) -> None:
    status, said = await run("--kubeconfig", str(hub.kubeconfig), "--controllers", "placement,typo")
    assert status == 2
    assert "unknown controller 'typo': choose from placement, manifestwork, statussync" in said


async def test_shards_without_leases_are_refused(hub: Cluster) -> None:
    status, said = await run("--kubeconfig", str(hub.kubeconfig), "--shards", "4", "--no-leader-elect")
    assert status == 2
    assert (
        said
        == "error: --shards shares the work by Leases, which --no-leader-elect turns off: drop one of them\n"
    )
