"""The manifests a fleet works with: ours in crds/, Argo's settings, KWOK's stages, examples."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from hack.fleet import bootstrap, crds, examples
from hack.fleet.api import kind_of
from hack.fleet.errors import FleetError
from hack.fleet.layout import CRDS


def documents(path: Path) -> list[dict[str, Any]]:
    with path.open() as file:
        return [body for body in yaml.safe_load_all(file) if body]


def test_managed_clusters_get_what_the_agent_writes() -> None:
    names = [body["metadata"]["name"] for body in crds.for_managed(crds.load_ours(CRDS))]
    assert sorted(names) == sorted(crds.MANAGED_NAMES)


def test_an_empty_folder_of_definitions_is_explained(tmp_path: Path) -> None:
    (tmp_path / "kustomization.yaml").write_text("kind: Kustomization\n")
    with pytest.raises(FleetError, match="make manifests"):
        crds.load_ours(tmp_path)


def test_argo_settings_are_of_kinds_that_can_be_applied() -> None:
    kinds = [kind_of(body).kind for body in documents(bootstrap.MANIFESTS / "argo.yaml")]
    assert "ConfigMap" in kinds


def test_every_pod_and_node_has_a_stage_to_go_to() -> None:
    stages = documents(bootstrap.STAGES)
    by_kind: dict[str, list[str]] = {}
    for stage in stages:
        by_kind.setdefault(stage["spec"]["resourceRef"]["kind"], []).append(stage["metadata"]["name"])
    assert by_kind == {
        "Node": ["node-starts", "node-heartbeat"],
        "Pod": ["pod-starts", "pod-ends", "pod-deleted"],
    }


def test_pod_logs_name_their_cluster(tmp_path: Path) -> None:
    bootstrap.write_pod_logs(tmp_path / "logs.yaml", "cluster7")
    log = Path(documents(tmp_path / "logs.yaml")[0]["spec"]["logs"][0]["logsFile"])
    time, stream, tag, text = log.read_text().split(" ", 3)
    assert (time[-1], stream, tag) == ("Z", "stdout", "F")  # the format that container runtimes write
    assert "cluster7" in text


def test_examples_are_applied_workflows_last(tmp_path: Path) -> None:
    workflow = "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {name: a}\n"
    placement = (
        "apiVersion: cluster.open-cluster-management.io/v1beta1\nkind: Placement\nmetadata: {name: p}\n"
    )
    cluster = "apiVersion: cluster.open-cluster-management.io/v1\nkind: ManagedCluster\nmetadata: {name: c}\n"
    (tmp_path / "a.yaml").write_text(workflow)
    (tmp_path / "b.yaml").write_text(f"{placement}---\n{cluster}")
    loaded = examples.load(tmp_path)
    assert [(body["kind"], body["metadata"].get("namespace")) for body in loaded] == [
        ("Placement", "argo"),
        ("ManagedCluster", None),
        ("Workflow", "argo"),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "no Workflows"), ("apiVersion: v1\nkind: Service\n", "don't know how to apply v1 Service")],
)
def test_folders_that_are_no_examples(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(FleetError, match=message):
        examples.load(tmp_path)
