"""The manifests in examples/: read, put in order, applied to a hub."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import yaml

from controllers.api.keys import ARGO_NAMESPACE
from controllers.api.kinds import WORKFLOW
from hack.fleet.api import Api, kind_of
from hack.fleet.errors import FleetError

_GONE_DEADLINE = 60.0


def load(directory: Path) -> list[dict[str, Any]]:
    """All objects of the folder, Workflows last; those without a namespace get `argo`."""
    objects: list[dict[str, Any]] = []
    for path in sorted(directory.glob("*.yaml")):
        with path.open() as file:
            objects.extend(body for body in yaml.safe_load_all(file) if body)
    if not any(is_workflow(body) for body in objects):
        raise FleetError(f"no Workflows in {directory}")
    for body in objects:
        if kind_of(body).namespaced:
            body["metadata"].setdefault("namespace", ARGO_NAMESPACE)
    return sorted(objects, key=is_workflow)


def is_workflow(body: dict[str, Any]) -> bool:
    return kind_of(body) == WORKFLOW


def submit(hub: Api, body: dict[str, Any]) -> dict[str, Any]:
    """Bring one object to the hub; a Workflow of an earlier demo makes place for the new one first."""
    if not is_workflow(body):
        return hub.apply(body)
    name = body["metadata"].get("name")
    if name:
        _remove(hub, name, body["metadata"]["namespace"])
    return hub.create(body)


def _remove(hub: Api, name: str, namespace: str) -> None:
    """Delete a Workflow and wait until Argosy has removed its copy and let go of it."""
    if not hub.delete(WORKFLOW, name, namespace):
        return
    deadline = time.monotonic() + _GONE_DEADLINE
    while hub.get(WORKFLOW, name, namespace):
        if time.monotonic() > deadline:
            raise FleetError(
                f"the earlier Workflow {name} is still there {_GONE_DEADLINE:.0f} s after its deletion"
            )
        time.sleep(0.1)
