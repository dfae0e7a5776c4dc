"""Parts as they are planned: titles that tell several processes apart, and what is asked of a cluster."""

from __future__ import annotations

from pathlib import Path

import pytest

from hack.fleet import plan
from hack.fleet.certs import Pki
from hack.fleet.layout import Layout
from hack.fleet.plan import ClusterPlan
from hack.fleet.ports import Reservation
from hack.fleet.state import Part, Probe


@pytest.mark.parametrize(
    ("number", "shards", "title", "flags"),
    [
        (1, 1, "controllers", []),
        (1, 4, "controllers", ["--shards=4"]),
        (3, 4, "controllers-3", ["--shards=4"]),
    ],
)
def test_processes_of_the_controllers(
    tmp_path: Path, number: int, shards: int, title: str, flags: list[str]
) -> None:
    with Reservation(tmp_path / "ports") as ports:
        part = plan.controllers(Layout(tmp_path), tmp_path / "hub.kubeconfig", ports, number, shards)
    assert (part.title, part.ours) == (title, True)
    assert Path(part.log).name == f"{title}.log"
    assert [flag for flag in part.argv if "shards" in flag] == flags


@pytest.mark.parametrize(("profiling", "flag"), [(False, "--profiling=false"), (True, "--profiling=true")])
def test_a_cluster_that_can_be_profiled(tmp_path: Path, profiling: bool, flag: str) -> None:
    etcd = Part("", "etcd", [], "", Probe(), port=1)
    with Reservation(tmp_path / "ports") as ports:
        cluster = ClusterPlan(
            "c1",
            Layout(tmp_path),
            {"kube-apiserver": Path("/bin/x")},
            ports,
            Pki(tmp_path),
            2,
            profiling=profiling,
        )
        assert flag in cluster.apiserver(etcd).argv
