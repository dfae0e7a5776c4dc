"""Where Argo's CustomResourceDefinitions come from when Go is not there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hack.fleet import argo_kinds, build
from hack.fleet.argo_kinds import Form
from hack.fleet.cancel import Cancellation
from hack.fleet.errors import FleetError
from hack.fleet.progress import Silent
from tests.unit.hack.releases import Releases, serving

FOLDER = "/raw.githubusercontent.com/argoproj/argo-workflows/v4.0.2/manifests/base/crds"

WORKFLOWS = b"""
kind: CustomResourceDefinition
metadata: {name: workflows.argoproj.io}
spec: {description: {type: string, description: What it is about.}}
"""
SMALL = b"kind: CustomResourceDefinition\nmetadata: {name: %s}\n"


@pytest.fixture
def releases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Releases]:
    with serving() as server:
        monkeypatch.setenv("ARGOSY_DOWNLOAD_BASE", server.base)
        monkeypatch.setenv("ARGOSY_CACHE", str(tmp_path))
        monkeypatch.setenv("PATH", str(tmp_path))
        monkeypatch.setattr(build, "_USUAL_GO", tmp_path / "no-go")
        yield server


def test_without_go_they_are_read_from_the_tag_once(releases: Releases) -> None:
    releases.files[f"{FOLDER}/full/kustomization.yaml"] = b"resources: [workflows.yaml]\n"
    releases.files[f"{FOLDER}/full/workflows.yaml"] = WORKFLOWS
    # Descriptions are for `kubectl explain`; a field of that name stays.
    expected = [
        {
            "kind": "CustomResourceDefinition",
            "metadata": {"name": "workflows.argoproj.io"},
            "spec": {"description": {"type": "string"}},
        }
    ]
    assert argo_kinds.load(Silent(), Cancellation(), Form.FULL) == expected
    asked = len(releases.asked)
    assert argo_kinds.load(Silent(), Cancellation(), Form.FULL) == expected
    assert len(releases.asked) == asked == 2


def test_the_workflow_alone_may_be_in_full(releases: Releases) -> None:
    releases.files[f"{FOLDER}/full/kustomization.yaml"] = b"resources: [workflows.yaml, cron.yaml]\n"
    releases.files[f"{FOLDER}/full/workflows.yaml"] = WORKFLOWS
    releases.files[f"{FOLDER}/full/cron.yaml"] = (
        SMALL % b"cronworkflows.argoproj.io" + b"spec: {large: true}\n"
    )
    releases.files[f"{FOLDER}/minimal/kustomization.yaml"] = b"resources: [workflows.yaml, cron.yaml]\n"
    releases.files[f"{FOLDER}/minimal/workflows.yaml"] = SMALL % b"workflows.argoproj.io"
    releases.files[f"{FOLDER}/minimal/cron.yaml"] = SMALL % b"cronworkflows.argoproj.io"
    found = argo_kinds.load(Silent(), Cancellation(), Form.WORKFLOW)
    assert {body["metadata"]["name"]: "spec" in body for body in found} == {
        "workflows.argoproj.io": True,
        "cronworkflows.argoproj.io": False,
    }


def test_without_go_and_network_the_reason_is_said(releases: Releases) -> None:
    with pytest.raises(FleetError, match=r"there is no Go here, and .*kustomization\.yaml: 404"):
        argo_kinds.load(Silent(), Cancellation())
