"""What goes into containers: programs, files, the image; and what is said without an engine."""

from __future__ import annotations

import io
import json
import os
import platform
import tarfile
from pathlib import Path
from typing import Any

import psutil
import pytest

from hack.fleet import bootstrap, containers_engine, containers_image, containers_plan
from hack.fleet.containers import ContainersProvider
from hack.fleet.containers_plan import ContainerPlan
from hack.fleet.errors import FleetError
from hack.fleet.layout import Layout
from hack.fleet.ports import Reservation


def prepare(directory: Path, name: str, *, argo: bool = True) -> ContainerPlan:
    with Reservation() as ports:
        return containers_plan.prepare(name, Layout(directory), ports, argo=argo)


def settings(plan: ContainerPlan) -> dict[str, dict[str, Any]]:
    return {program["name"]: program for program in json.loads(plan.settings)}


@pytest.mark.parametrize(
    ("name", "argo", "programs"),
    [
        ("hub", True, ["etcd", "apiserver", "controller-manager"]),
        ("c1", False, ["etcd", "apiserver", "controller-manager", "scheduler", "kwok"]),
        ("c1", True, ["etcd", "apiserver", "controller-manager", "scheduler", "kwok", "workflow-controller"]),
    ],
)
def test_each_cluster_runs_what_it_needs(tmp_path: Path, name: str, argo: bool, programs: list[str]) -> None:
    assert list(settings(prepare(tmp_path, name, argo=argo))) == programs


def test_programs_follow_each_other(tmp_path: Path) -> None:
    programs = settings(prepare(tmp_path, "c1"))
    assert "after" not in programs["etcd"]
    assert programs["apiserver"]["after"] == programs["etcd"]["ready"]
    for name in ("controller-manager", "scheduler", "kwok"):
        assert programs[name]["after"] == programs["apiserver"]["ready"]


def test_argo_starts_after_its_settings_which_only_the_administrator_may_read(tmp_path: Path) -> None:
    plan = prepare(tmp_path, "c1")
    argo = settings(plan)["workflow-controller"]
    path = "/api/v1/namespaces/argo/configmaps/workflow-controller-configmap"
    pki = plan.cluster.pki
    assert argo["after"] == {"url": plan.cluster.server + path, "ca": str(pki.ca), "token": pki.admin_token()}
    assert argo["env"]["LEADER_ELECTION_DISABLE"] == "true"


def test_the_api_server_is_reachable_from_outside_at_the_port_of_its_kubeconfig(tmp_path: Path) -> None:
    plan = prepare(tmp_path, "c1")
    command = settings(plan)["apiserver"]["argv"]
    assert {"--bind-address=0.0.0.0", f"--secure-port={plan.cluster.port}"} <= set(command)
    assert f"server: https://127.0.0.1:{plan.cluster.port}\n" in plan.cluster.kubeconfig.read_text()


def test_every_file_on_a_command_line_is_in_the_container(tmp_path: Path) -> None:
    plan = prepare(tmp_path, "c1")
    arguments = [argument for program in plan.programs for argument in program.argv[1:]]
    named = [Path(value) for argument in arguments if (value := argument.partition("=")[2]).startswith("/")]
    wanted = {path for path in named if path.is_file()}
    assert {plan.cluster.kubeconfig, plan.cluster.pki.tokens, bootstrap.STAGES} <= wanted
    given = {inner for path in plan.files for inner in (path, *path.rglob("*"))}
    assert wanted <= given
    assert {program.argv[0] for program in plan.programs} == {f"/bin/{n}" for n in containers_plan.BINARIES}


def test_the_image_holds_the_programs_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"program")
    context = io.BytesIO()
    containers_image.write_context(context, {"etcd": tmp_path / "x"})
    context.seek(0)
    with tarfile.open(fileobj=context) as tar:
        assert tar.getnames() == ["Dockerfile", "bin/etcd"]
        assert tar.getmember("bin/etcd").mode == 0o755
        dockerfile, program = tar.extractfile("Dockerfile"), tar.extractfile("bin/etcd")
        assert dockerfile is not None
        assert dockerfile.readline() == b"FROM scratch\n"
        assert program is not None
        assert program.read() == b"program"


def test_the_images_tag_tells_its_content_apart(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_bytes(b"1")
    second.write_bytes(b"2")
    tags = [
        containers_image.digest(programs)
        for programs in (
            {"etcd": first, "kwok": second},
            {"etcd": second, "kwok": first},
            {"etcd": first},
            {"kwok": second, "etcd": first},
        )
    ]
    assert tags[0] == tags[3]
    assert len(set(tags)) == 3


def test_the_supervisor_is_built_anew_when_its_sources_change(tmp_path: Path) -> None:
    (tmp_path / "go.mod").write_text("module x\n")
    (tmp_path / "main.go").write_text("package main\n")
    before = containers_image.supervisor_binary(tmp_path).version
    assert containers_image.supervisor_binary(tmp_path).version == before
    (tmp_path / "main.go").write_text("package main // changed\n")
    assert containers_image.supervisor_binary(tmp_path).version != before


def test_without_an_engine_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    with pytest.raises(
        FleetError, match=r"(?s)no Docker engine answers.*install Docker.*TEST_CLUSTERS=local"
    ):
        ContainersProvider().start(tmp_path / "fleet", [], argo=False)
    assert not (tmp_path / "fleet").exists()


class StrangeEngine:
    """An engine for other machines."""

    def __init__(self, *_: object) -> None:
        self.client = self
        self.closed = False

    def version(self) -> dict[str, str]:
        return {"Os": "linux", "Arch": "s390x"}

    def close(self) -> None:
        self.closed = True


def test_an_engine_for_other_programs_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    monkeypatch.setattr(containers_engine, "DockerClient", StrangeEngine)
    with pytest.raises(FleetError, match="runs linux/s390x and the clusters' programs"):
        containers_engine.connect()


@pytest.mark.parametrize(
    ("label", "abandoned"),
    [
        (containers_engine.owner(), False),
        (f"{platform.node()} {os.getpid()} {psutil.Process().create_time() - 3600:.0f}", True),
        (f"{platform.node()} {2**22 + 1} 0", True),
        (f"another {2**22 + 1} 0", False),
        ("written by somebody else", False),
    ],
    ids=["mine", "its pid is mine now", "its process ended", "on another machine", "no owner"],
)
def test_a_container_is_abandoned_when_its_owner_ended(label: str, abandoned: bool) -> None:
    assert containers_engine.is_abandoned(label) is abandoned
