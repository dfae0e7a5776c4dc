"""Argo's CustomResourceDefinitions, in the small form that validates little, from Argo's own release.

They are not kept in this repository. Go's module archive has them and verifies them; without Go they are
read from the release's tag. What was read once stays in the cache.
"""

from __future__ import annotations

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

_FOLDER = "manifests/base/crds/minimal"
_TAG = f"https://raw.githubusercontent.com/argoproj/argo-workflows/{ARGO.version}/{_FOLDER}"


def load(progress: Progress, cancellation: Cancellation) -> list[dict[str, Any]]:
    """All of Argo's definitions, in the pinned version; FleetError if there is no way to get them."""
    target = cache.root() / "argo" / f"crds-{ARGO.version}.json"
    if not target.exists():
        with progress.step(f"getting Argo's CustomResourceDefinitions {ARGO.version}") as step:
            cache.fill(
                target,
                lambda path: _make(path, cancellation),
                cancellation,
                waits=lambda: step.note("another command is at it"),
            )
    return msgspec.json.decode(target.read_bytes(), type=list[dict[str, Any]])


def _make(target: Path, cancellation: Cancellation) -> None:
    log = cache.root() / "logs" / "argo-module.log"
    module = module_directory(ARGO, log, cancellation)
    definitions = crds.load(module / _FOLDER) if module else _from_tag(Downloader(cancellation))
    if not definitions:
        raise FleetError(f"found no CustomResourceDefinitions in {module / _FOLDER if module else _TAG}")
    target.write_bytes(msgspec.json.encode(definitions))


def _from_tag(downloader: Downloader) -> list[dict[str, Any]]:
    try:
        names = yaml.safe_load(downloader.text(f"{_TAG}/kustomization.yaml"))["resources"]
        return [yaml.safe_load(downloader.text(f"{_TAG}/{name}")) for name in names]
    except NotDownloaded as error:
        raise FleetError(f"Argo's CustomResourceDefinitions: there is no Go here, and {error}") from error
