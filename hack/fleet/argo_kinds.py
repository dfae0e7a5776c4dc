"""Argo's CustomResourceDefinitions, from Argo's own release: in full, as on a cluster that Argo was installed on, or in
the small form that validates little.

In full they keep a malformed Workflow off a cluster whose workflow-controller would panic at it, again at each start;
an API server takes some 20 s of CPU time and 600 MB for all of them, a quarter of that for the Workflow's alone.
They are not kept in this repository. Go's module archive has them and verifies them; without Go they are
read from the release's tag. What was read once stays in the cache.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec
import yaml

from hack.fleet import cache, crds
from hack.fleet.build import module_directory
from hack.fleet.cancel import Cancellation
from hack.fleet.download import Downloader, NotDownloaded
from hack.fleet.errors import FleetError
from hack.fleet.progress import Progress
from hack.fleet.versions import ARGO

_FOLDER = "manifests/base/crds"
_TAG = f"https://raw.githubusercontent.com/argoproj/argo-workflows/{ARGO.version}"


class Form(StrEnum):
    """Which of the definitions say all about their objects: all of them, that of the Workflow alone, or none."""

    FULL = "full"
    WORKFLOW = "workflow"
    MINIMAL = "minimal"


# What is delivered is checked as on a real cluster; all kinds in full are too dear for several clusters on one machine.
USUAL = Form.WORKFLOW


_WORKFLOWS = "workflows.argoproj.io"


def load(progress: Progress, cancellation: Cancellation, form: Form = USUAL) -> list[dict[str, Any]]:
    """All of Argo's definitions, in the pinned version, without the fields' descriptions; FleetError if there is no way
    to get them."""
    if form is Form.WORKFLOW:
        full = [body for body in load(progress, cancellation, Form.FULL) if _name(body) == _WORKFLOWS]
        small = load(progress, cancellation, Form.MINIMAL)
        return [*full, *(body for body in small if _name(body) != _WORKFLOWS)]
    target = cache.root() / "argo" / f"crds-{form}-{ARGO.version}.json"
    if not target.exists():
        with progress.step(f"getting Argo's CustomResourceDefinitions {ARGO.version}") as step:
            cache.fill(
                target,
                lambda path: _make(path, f"{_FOLDER}/{form}", cancellation),
                cancellation,
                waits=lambda: step.note("another command is at it"),
            )
    return msgspec.json.decode(target.read_bytes(), type=list[dict[str, Any]])


def _make(target: Path, folder: str, cancellation: Cancellation) -> None:
    log = cache.root() / "logs" / "argo-module.log"
    module = module_directory(ARGO, log, cancellation)
    tag = f"{_TAG}/{folder}"
    definitions = crds.load(module / folder) if module else _from_tag(tag, Downloader(cancellation))
    if not definitions:
        raise FleetError(f"found no CustomResourceDefinitions in {module / folder if module else tag}")
    target.write_bytes(msgspec.json.encode([_undescribed(body) for body in definitions]))


def _name(definition: dict[str, Any]) -> str:
    return str(definition["metadata"]["name"])


def _undescribed(body: Any) -> Any:
    """Without what only `kubectl explain` shows: it is more than half of a schema."""
    match body:
        case dict():
            return {
                key: _undescribed(value)
                for key, value in body.items()
                if not (key == "description" and isinstance(value, str))
            }
        case list():
            return [_undescribed(item) for item in body]
    return body


def _from_tag(tag: str, downloader: Downloader) -> list[dict[str, Any]]:
    try:
        names = yaml.safe_load(downloader.text(f"{tag}/kustomization.yaml"))["resources"]
        return [yaml.load(downloader.text(f"{tag}/{name}"), Loader=yaml.CSafeLoader) for name in names]
    except NotDownloaded as error:
        raise FleetError(f"Argo's CustomResourceDefinitions: there is no Go here, and {error}") from error
