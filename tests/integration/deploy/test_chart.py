"""The chart renders what the kustomize bases have, and a real API server accepts what it renders."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from controllers.kube.client import Client
from tests.deployed import BASES, Json, program, rendered
from tests.integration.deploy.test_dry_run import accepts

CHART = BASES / "chart" / "argosy"

_PLACED = {
    "podAnnotations": {"example.org/a": "b"},
    "nodeSelector": {"kubernetes.io/os": "linux"},
    "tolerations": [{"key": "infra", "operator": "Exists"}],
    "affinity": {"podAntiAffinity": {}},
    "resources": {"limits": {"memory": "1Gi"}},
}
_EVERYTHING: Json = {
    "image": {"repository": "example.org/argosy", "tag": "1", "pullPolicy": "Always"},
    "imagePullSecrets": [{"name": "registry"}],
    "hub": {
        "replicas": 3,
        "shards": 8,
        "evaluator": "off",
        "extraArgs": ["--log-level=debug"],
        **_PLACED,
    },
    "agent": {
        "enabled": True,
        "cluster": "cluster1",
        "hubKubeconfigSecret": "other",
        "rules": [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}],
        "extraArgs": ["--no-free"],
        **_PLACED,
    },
}


def helm(*arguments: str) -> str:
    done = subprocess.run([str(program("helm")), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def template(namespace: str, *options: str) -> list[Json]:
    text = helm("template", "argosy", str(CHART), f"--namespace={namespace}", *options)
    return [body for body in yaml.safe_load_all(text) if body]


def by_name(objects: list[Json]) -> dict[tuple[str, str], Any]:
    return {(body["kind"], body["metadata"]["name"]): body for body in objects if body["kind"] != "Namespace"}


def values(tmp_path: Path, given: Json) -> str:
    path = tmp_path / "values.yaml"
    path.write_text(yaml.safe_dump(given))
    return f"--values={path}"


@pytest.mark.parametrize(
    ("base", "namespace", "options"),
    [
        ("hub", "argosy", []),
        ("hub-ocm", "argosy", ["--set=hub.evaluator=off"]),
        ("agent", "argosy-agent", ["--set=hub.enabled=false", "--set=agent.enabled=true"]),
    ],
)
def test_it_renders_the_same_as_the_base(base: str, namespace: str, options: list[str]) -> None:
    assert by_name(template(namespace, *options)) == by_name(rendered(base))


async def test_all_values_together_are_accepted(client: Client, kubeconfig: Path, tmp_path: Path) -> None:
    """Also the two parts in one namespace."""
    objects = await asyncio.to_thread(template, "argosy", values(tmp_path, _EVERYTHING))
    namespaces = [body for body in await asyncio.to_thread(rendered, "hub") if body["kind"] == "Namespace"]
    said = await accepts(client, kubeconfig, namespaces + objects)
    assert "deployment.apps/argosy-controllers" in said
    assert "deployment.apps/argosy-agent" in said
    found = by_name(objects)
    assert ("ClusterRole", "argosy-evaluator") not in found
    pod = found["Deployment", "argosy-controllers"]["spec"]["template"]["spec"]
    arguments = ["--registration=off", "--listen=:8080", "--evaluator=off", "--shards=8", "--log-level=debug"]
    assert pod["containers"][0]["args"] == ["controllers", "run", *arguments]
    assert pod["containers"][0]["image"] == "example.org/argosy:1"


def test_one_replica_may_be_evicted() -> None:
    found = by_name(template("argosy", "--set=hub.replicas=1"))
    assert ("PodDisruptionBudget", "argosy-controllers") not in found
    assert ("PodDisruptionBudget", "argosy-registration") in found


def test_registration_has_arguments_of_its_own() -> None:
    found = by_name(template("argosy", "--set=hub.registration.extraArgs={--auto-accept=guests}"))
    commands = {
        name: found["Deployment", name]["spec"]["template"]["spec"]["containers"][0]["args"]
        for name in ("argosy-controllers", "argosy-registration")
    }
    assert commands["argosy-registration"] == [
        "registration",
        "run",
        "--listen=:8082",
        "--auto-accept=guests",
    ]
    assert "--auto-accept=guests" not in commands["argosy-controllers"]


def test_it_passes_helms_own_check(tmp_path: Path) -> None:
    helm("lint", "--strict", str(CHART))
    helm("lint", "--strict", str(CHART), values(tmp_path, _EVERYTHING))


@pytest.mark.parametrize(
    "given",
    [
        {"hub": {"registration": {"enabled": True}}},
        {"hub": {"evaluator": False}},
        {"hub": {"shards": 0}},
        {"hub": {"replica": 2}},
        {"agents": {}},
    ],
    ids=str,
)
def test_a_value_that_means_nothing_is_refused(tmp_path: Path, given: Json) -> None:
    with pytest.raises(AssertionError, match="schema"):
        helm("template", "argosy", str(CHART), values(tmp_path, given))
