"""What is done around K3s's containers: kubeconfigs, Argo's manifests, and errors without an engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from hack.fleet import argo_install, k3s
from hack.fleet.errors import FleetError
from hack.fleet.versions import ARGO

CONFIG = """
apiVersion: v1
kind: Config
clusters:
- cluster: {certificate-authority-data: Q0E=, server: "https://localhost:32768"}
  name: default
contexts:
- context: {cluster: default, user: default}
  name: default
current-context: default
users:
- name: default
  user: {client-certificate-data: Q0VSVA==, client-key-data: S0VZ}
"""

FILES = {
    "base/workflow-controller/kustomization.yaml": "resources: [deployment.yaml, settings.yaml]",
    "base/workflow-controller/deployment.yaml": """
kind: Deployment
metadata: {name: workflow-controller}
spec:
  template:
    spec:
      containers:
      - image: registry.example:5000/workflow-controller:latest
        env: [{name: A, value: b}]
""",
    "base/workflow-controller/settings.yaml": """
kind: ConfigMap
metadata: {name: workflow-controller-configmap}
---
kind: ServiceAccount
metadata: {name: argo}
---
kind: PriorityClass
metadata: {name: workflow-controller}
""",
    "cluster-install-no-crds/workflow-controller-rbac/kustomization.yaml": "resources: [rbac.yaml]",
    "cluster-install-no-crds/workflow-controller-rbac/rbac.yaml": """
kind: ClusterRoleBinding
metadata: {name: argo-binding}
subjects: [{kind: ServiceAccount, name: argo}]
---
kind: Role
metadata: {name: argo-role}
""",
}


@pytest.fixture
def selected() -> dict[str, dict[str, Any]]:
    return {body["kind"]: body for body in argo_install.select(FILES.__getitem__)}


def test_a_kubeconfig_says_which_cluster_it_is() -> None:
    config = k3s.renamed(CONFIG, "cluster1")
    before = yaml.safe_load(CONFIG)
    assert (
        config["current-context"]
        == config["contexts"][0]["name"]
        == config["clusters"][0]["name"]
        == "cluster1"
    )
    assert config["contexts"][0]["context"] == {
        "cluster": "cluster1",
        "user": config["users"][0]["name"],
        "namespace": "argo",
    }
    assert config["clusters"][0]["cluster"] == before["clusters"][0]["cluster"]
    assert config["users"][0]["user"] == before["users"][0]["user"]


def test_what_the_fleet_has_of_its_own_is_not_installed_twice(selected: dict[str, dict[str, Any]]) -> None:
    assert set(selected) == {"Deployment", "PriorityClass", "ClusterRoleBinding", "Role"}


def test_manifests_are_made_fit_for_their_namespace(selected: dict[str, dict[str, Any]]) -> None:
    assert selected["Role"]["metadata"]["namespace"] == "argo"
    assert selected["ClusterRoleBinding"]["subjects"][0]["namespace"] == "argo"
    assert "namespace" not in selected["ClusterRoleBinding"]["metadata"]
    assert "namespace" not in selected["PriorityClass"]["metadata"]


def test_the_controller_is_of_the_pinned_version_and_quick(selected: dict[str, dict[str, Any]]) -> None:
    [container] = selected["Deployment"]["spec"]["template"]["spec"]["containers"]
    assert container["image"] == f"registry.example:5000/workflow-controller:{ARGO.version}"
    env = {entry["name"]: entry["value"] for entry in container["env"]}
    assert (env["A"], env["DEFAULT_REQUEUE_TIME"]) == ("b", "1s")


def test_without_an_engine_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    with pytest.raises(FleetError, match=r"(?s)no Docker engine answers.*TEST_CLUSTERS=local"):
        k3s.K3sProvider().start(tmp_path / "fleet", [], argo=False)
    assert not (tmp_path / "fleet").exists()
