"""The local provider: what its clusters can do, and that they stop."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from controllers.api.kinds import CRD, NAMESPACE, NODE, WORKFLOW, Kind
from hack.fleet import argv, bootstrap, process, state
from hack.fleet.api import Api
from hack.fleet.errors import FleetError, PartFailed
from hack.fleet.layout import Layout
from hack.fleet.local import LocalFleet, LocalProvider
from hack.fleet.provider import Fleet, Provider
from hack.fleet.state import Part, Process
from hack.fleet.status import health
from tests.eventually import eventually

pytestmark = pytest.mark.e2e

POD = Kind("", "v1", "Pod", "pods")


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalFleet]:
    with LocalProvider().start(tmp_path_factory.mktemp("fleet"), ["cluster1"], argo=True) as running:
        yield running


@pytest.fixture
def cluster(fleet: LocalFleet) -> Api:
    return Api(fleet.managed["cluster1"].kubeconfig)


def workflow(name: str, **labels: str) -> dict[str, Any]:
    template = {
        "name": "main",
        "metadata": {"labels": {f"fake.argosy.io/{key}": value for key, value in labels.items()}},
        "container": {"image": "busybox", "command": ["echo", "hello"]},
    }
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"name": name, "namespace": "argo"},
        "spec": {"entrypoint": "main", "templates": [template]},
    }


def finished(cluster: Api, name: str) -> dict[str, Any] | None:
    status: dict[str, Any] = (cluster.get(WORKFLOW, name, "argo") or {}).get("status", {})
    return status if status.get("finishedAt") else None


def test_the_hub_serves_argosys_kinds_and_runs_nothing(fleet: LocalFleet) -> None:
    hub = Api(fleet.hub.kubeconfig)
    served = {body["metadata"]["name"] for body in hub.list(CRD)["items"]}
    assert {
        "managedclusters.cluster.open-cluster-management.io",
        "manifestworks.work.open-cluster-management.io",
        "workflows.argoproj.io",
    } <= served
    assert hub.get(NAMESPACE, "argo") is not None
    assert hub.list(NODE)["items"] == []


def test_a_managed_cluster_serves_argos_kinds_and_those_the_agent_writes(cluster: Api) -> None:
    served = {body["metadata"]["name"] for body in cluster.list(CRD)["items"]}
    ours = {name for name in served if name.endswith("open-cluster-management.io")}
    assert ours == {
        "appliedmanifestworks.work.open-cluster-management.io",
        "clusterclaims.cluster.open-cluster-management.io",
    }
    assert {"workflows.argoproj.io", "cronworkflows.argoproj.io", "workflowtemplates.argoproj.io"} <= served


async def test_its_nodes_are_ready(cluster: Api) -> None:
    def ready() -> bool:
        nodes = cluster.list(NODE)["items"]
        conditions = [c for node in nodes for c in node["status"].get("conditions", [])]
        up = [c for c in conditions if (c["type"], c["status"]) == ("Ready", "True")]
        return len(up) == bootstrap.NODES and not any(node["spec"].get("taints") for node in nodes)

    assert await eventually(ready)


async def test_argo_runs_a_workflow_within_seconds(cluster: Api) -> None:
    begin = time.monotonic()
    cluster.create(workflow("hello"))
    status = await eventually(lambda: finished(cluster, "hello"))
    assert status["phase"] == "Succeeded"
    assert time.monotonic() - begin < 10


async def test_a_label_makes_a_step_fail(cluster: Api) -> None:
    cluster.create(workflow("failing", outcome="fail"))
    status = await eventually(lambda: finished(cluster, "failing"))
    assert (status["phase"], status["message"]) == ("Failed", "main: Error (exit code 1)")
    assert status["nodes"]["failing"]["outputs"] == {"exitCode": "1"}


async def test_a_label_says_how_long_a_step_runs(cluster: Api) -> None:
    cluster.create(workflow("slow", duration="1h"))

    def running() -> bool:
        status = (cluster.get(WORKFLOW, "slow", "argo") or {}).get("status", {})
        return any(node["phase"] == "Running" for node in status.get("nodes", {}).values())

    assert await eventually(running)
    assert finished(cluster, "slow") is None


async def test_deleting_a_workflow_deletes_its_pods(cluster: Api) -> None:
    cluster.create(workflow("gone", duration="1h"))
    selector = "workflows.argoproj.io/workflow=gone"
    await eventually(lambda: cluster.list(POD, "argo", labelSelector=selector)["items"])
    cluster.delete(WORKFLOW, "gone", "argo")
    assert await eventually(lambda: not cluster.list(POD, "argo", labelSelector=selector)["items"])


async def test_a_namespace_can_be_deleted(fleet: LocalFleet) -> None:
    hub = Api(fleet.hub.kubeconfig)
    hub.apply(bootstrap.namespace("short-lived"))
    assert hub.delete(NAMESPACE, "short-lived")
    assert await eventually(lambda: hub.get(NAMESPACE, "short-lived") is None)


async def test_a_crashed_part_can_be_restarted(fleet: LocalFleet, cluster: Api) -> None:
    title = "cluster1/workflow-controller"
    fleet.kill(title)
    assert health(fleet.supervisor.find(title)) == "ended"
    cluster.create(workflow("patient"))
    fleet.restart(title)
    status = await eventually(lambda: finished(cluster, "patient"))
    assert status["phase"] == "Succeeded"


def test_everything_is_in_the_logs_folder(fleet: LocalFleet) -> None:
    parts = [running.part for running in fleet.supervisor.state.processes]
    assert {Path(part.log).parent for part in parts} == {fleet.hub.log_dir}
    assert all(Path(part.log).stat().st_size for part in parts)


def test_fleets_run_side_by_side_and_stop_alone(fleet: LocalFleet, tmp_path: Path) -> None:
    provider: Provider = LocalProvider()
    other: Fleet = provider.start(tmp_path, [], argo=False)
    known = state.load(Layout(tmp_path).state)
    assert known is not None
    assert Api(other.hub.kubeconfig).get(NAMESPACE, "argo") is not None
    assert dict(other.managed) == {}
    other.stop()
    other.stop()
    assert not any(map(process.is_alive, known.processes))
    assert all(map(process.is_alive, fleet.supervisor.state.processes))
    provider.start(tmp_path, [], argo=False).stop()  # a provider is good for more than one fleet


def test_a_start_that_fails_says_why_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = argv.apiserver
    started: list[Process] = []
    monkeypatch.setattr(argv, "apiserver", lambda *a, **k: [*good(*a, **k), "--no-such-flag"])
    original = process.spawn

    def spawn(part: Part) -> Process:
        started.append(original(part))
        return started[-1]

    monkeypatch.setattr(process, "spawn", spawn)
    with pytest.raises(PartFailed, match=r"hub/apiserver ended while it started(.|\n)*no-such-flag"):
        LocalProvider().start(tmp_path, [], argo=False)
    assert [p.part.name for p in started] == ["etcd", "apiserver"]
    assert not any(map(process.is_alive, started))
    assert state.load(Layout(tmp_path).state) is None


@pytest.mark.parametrize("names", [["hub"], ["a", "a"]])
def test_names_must_differ(tmp_path: Path, names: list[str]) -> None:
    with pytest.raises(FleetError, match="must differ"):
        LocalProvider().start(tmp_path, names, argo=False)
    assert list(tmp_path.iterdir()) == []
