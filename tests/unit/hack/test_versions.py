"""The pinned versions: one place says them, and the Go modules agree."""

from __future__ import annotations

import re

import pytest

from hack.fleet.versions import BINARIES, MODULES, Binary, Module


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.folder)
def test_go_module_pins_the_same_version(module: Module) -> None:
    text = (module.directory / "go.mod").read_text()
    pinned = re.findall(rf"(?m)^\s*(?:require )?{re.escape(module.path)} (v\S+)", text)
    assert pinned == [module.version]


@pytest.mark.parametrize(
    "binary", [b for b in BINARIES.values() if b.name != "argo"], ids=lambda binary: binary.name
)
def test_go_module_names_the_package_as_a_tool(binary: Binary) -> None:
    text = (binary.module.directory / "go.mod").read_text()
    assert re.search(rf"(?m)^\s*(?:tool )?{re.escape(binary.package)}$", text)


@pytest.mark.parametrize(
    ("name", "output", "right"),
    [
        ("etcd", "etcd Version: 3.7.3\nGo Version: go1.26.8\n", True),
        ("etcd", "etcd Version: 3.5.1\nGo Version: go1.26.8\n", False),
        ("kube-apiserver", "Kubernetes v1.36.3\n", True),
        ("kube-apiserver", "Kubernetes v1.36.30\n", False),
        ("kubectl", "Client Version: v1.36.3\nKustomize Version: v5.8.1\n", True),
        ("kubectl", "Client Version: v1.35.0\nKustomize Version: v1.36.3\n", False),
        ("kwok", "kwok version v0.8.0 go1.26.8 (linux/amd64)\n", True),
        ("workflow-controller", "level=INFO 9.9.9\nworkflow-controller: v4.0.2\n", True),
        ("workflow-controller", "workflow-controller: v4.0.2+unknown\n", True),
        ("workflow-controller", "workflow-controller: v3.7.4\n", False),
        ("argo", "argo: v4.0.2\n  BuildDate: 2026-01-01\n", True),
        ("argo", "", False),
        ("helm", "v3.22.0\n", True),
        ("helm", "v3.22.0+g1a2b3c4\n", True),
        ("helm", "v4.3.1+g1a2b3c4\n", False),
    ],
)
def test_recognises_its_version(name: str, output: str, right: bool) -> None:
    assert BINARIES[name].is_version(output) is right
