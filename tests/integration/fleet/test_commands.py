"""`python -m hack.fleet` as a person runs it: up, status, down, and what happens when it is interrupted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from controllers.api.keys import PLACEMENT_ANNOTATION
from controllers.api.kinds import MANAGED_CLUSTER
from hack.fleet import examples, process, readiness, state
from hack.fleet.api import Api
from hack.fleet.errors import FleetError
from hack.fleet.layout import EXAMPLES, REPOSITORY, Layout
from hack.fleet.progress import Silent
from hack.fleet.state import Process

pytestmark = pytest.mark.integration


@pytest.fixture
def layout(tmp_path: Path) -> Iterator[Layout]:
    made = Layout(tmp_path)
    yield made
    fleet(made, "down")


def command(layout: Layout, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "hack.fleet", *arguments, "--dir", str(layout.root)]


def fleet(layout: Layout, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(layout, *arguments), cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=300
    )


def processes(layout: Layout) -> list[Process]:
    known = state.load(layout.state)
    return known.processes if known else []


def interrupted_up(layout: Layout, number: signal.Signals) -> tuple[int, list[Process]]:
    """Start `up`, signal it once an API server was started; its exit status and what it had started."""
    child = subprocess.Popen(
        command(layout, "up", "--bare", "--clusters", "1"),
        cwd=REPOSITORY,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while not any(p.part.name == "apiserver" for p in processes(layout)):
        assert child.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    started = processes(layout)
    os.kill(child.pid, number)
    return child.wait(60), started


def test_up_status_up_down(layout: Layout) -> None:
    up = fleet(layout, "up", "--bare", "--clusters", "0")
    assert up.returncode == 0, up.stderr
    assert f"hub        {layout.kubeconfig('hub')}" in up.stdout
    assert "✓ starting hub" in up.stderr
    running = processes(layout)
    assert all(map(process.is_alive, running))

    status = fleet(layout, "status")
    assert status.returncode == 0, status.stdout
    assert status.stdout.count(" ready ") == len(running) == 3

    again = fleet(layout, "up", "--bare", "--clusters", "0")
    assert (again.returncode, "up already" in again.stderr) == (0, True)
    assert processes(layout) == running

    definitions = ("crds", "install", "--kubeconfig", str(layout.kubeconfig("hub")))
    installed = subprocess.run(
        [sys.executable, "-m", "hack.fleet", *definitions],
        cwd=REPOSITORY, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "are served by https://127.0.0.1:" in installed.stdout

    process.kill(running[0])
    broken = fleet(layout, "status")
    assert (broken.returncode, "ended" in broken.stdout) == (1, True)

    assert fleet(layout, "down").returncode == 0
    assert not any(map(process.is_alive, running))


def test_up_returns_when_the_hub_has_every_cluster(layout: Layout) -> None:
    up = fleet(layout, "up", "--no-argo", "--clusters", "1", "--argo-crds", "minimal")
    assert up.returncode == 0, up.stderr
    hub = Api(layout.kubeconfig("hub"))
    # Not waited for: so it is at once.
    assert readiness.unavailable(hub.list(MANAGED_CLUSTER)["items"], ["cluster1"]) == []
    for body in examples.load(EXAMPLES):
        if body["metadata"].get("name") in ("default", "any-cluster"):
            hub.apply(body)
    workflow = {"metadata": {"namespace": "argo", "annotations": {PLACEMENT_ANNOTATION: "any-cluster"}}}
    readiness.wait_decided(hub, [workflow], ["cluster1"], Silent())
    with pytest.raises(FleetError, match=r"^after 1 s Placement argo/any-cluster has not selected cluster2$"):
        readiness.wait_decided(hub, [workflow], ["cluster1", "cluster2"], Silent(), seconds=1)
    with pytest.raises(
        FleetError, match=r"^after 1 s cluster2 is not registered; cluster3 is not registered$"
    ):
        readiness.wait_available(hub, ["cluster1", "cluster2", "cluster3"], Silent(), seconds=1)


@pytest.mark.e2e
def test_demo_ends_well_and_leaves_nothing(layout: Layout) -> None:
    done = fleet(layout, "demo", "--timeout", "120")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "5 Workflows ended on the hub exactly as on their clusters" in done.stdout
    assert "steps-with-failing-branch was sent to" in done.stdout
    for cluster in ("cluster1", "cluster2"):  # whichever came first: both had been selected before
        assert f"was sent to {cluster}," in done.stdout
    assert sorted(path.name for path in layout.root.iterdir()) == ["lock", "logs"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_up_leaves_nothing_running(layout: Layout, number: signal.Signals) -> None:
    code, started = interrupted_up(layout, number)
    assert code == 130
    assert started
    assert not any(map(process.is_alive, started))
    assert processes(layout) == []


def test_what_a_killed_up_left_is_stopped_by_down(layout: Layout) -> None:
    code, started = interrupted_up(layout, signal.SIGKILL)
    assert code == -signal.SIGKILL
    assert any(map(process.is_alive, started))
    assert fleet(layout, "down").returncode == 0
    assert not any(map(process.is_alive, started))
