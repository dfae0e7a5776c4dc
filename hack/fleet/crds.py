"""Installing and removing CustomResourceDefinitions, on local clusters and on real ones."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import yaml

from controllers.api.kinds import CRD
from hack.fleet.api import FIELD_MANAGER, Api
from hack.fleet.errors import ApiFailed, FleetError

# What the agent needs on a managed cluster; the hub gets everything.
MANAGED_NAMES = (
    "appliedmanifestworks.work.open-cluster-management.io",
    "clusterclaims.cluster.open-cluster-management.io",
)


def load(directory: Path) -> list[dict[str, Any]]:
    """All CustomResourceDefinitions of a folder's YAML files, by file name; other kinds are left out."""
    documents: list[dict[str, Any]] = []
    for path in sorted(directory.glob("*.yaml")):
        with path.open() as file:
            documents.extend(yaml.load_all(file, Loader=yaml.CSafeLoader))
    return [document for document in documents if document and document.get("kind") == CRD.kind]


def load_ours(directory: Path) -> list[dict[str, Any]]:
    """Argosy's own; FleetError if the folder is empty, because nothing works without them."""
    found = load(directory)
    if not found:
        raise FleetError(f"no CustomResourceDefinitions in {directory}: run `make manifests` first")
    return found


def for_managed(definitions: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return [body for body in definitions if body["metadata"]["name"] in MANAGED_NAMES]


def install(api: Api, definitions: Sequence[dict[str, Any]], seconds: float = 120) -> None:
    """Apply them and return when all are served."""
    deadline = time.monotonic() + seconds
    # At the same time: the server publishes its schemas again after each that comes later.
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda body: _apply(api, body, deadline), definitions))
    waiting = {body["metadata"]["name"]: body for body in definitions}
    while waiting:
        # Asked of discovery: the definitions themselves may be a megabyte each.
        served = _served(api, waiting.values())
        waiting = {name: body for name, body in waiting.items() if name not in served}
        if waiting and time.monotonic() > deadline:
            found = [body for name in waiting if (body := api.get(CRD, name)) is not None]
            reasons = "; ".join(map(_problem, found))
            raise FleetError(f"not served after {seconds:.0f} s: {reasons or ', '.join(waiting)}")
        if waiting:
            time.sleep(0.05)


def _apply(api: Api, body: dict[str, Any], deadline: float) -> None:
    """Again if the server gave up: a large definition may take a busy one longer than it gives a request."""
    while True:
        try:
            api.apply(body)
        except ApiFailed as error:
            if error.status != 504 or time.monotonic() > deadline:
                raise
        else:
            return


def _served(api: Api, definitions: Iterable[dict[str, Any]]) -> set[str]:
    """Names of those whose served versions are all there."""
    wanted = {
        body["metadata"]["name"]: {
            (body["spec"]["group"], version["name"])
            for version in body["spec"]["versions"]
            if version["served"]
        }
        for body in definitions
    }
    found = {version: _resources(api, *version) for version in set().union(*wanted.values())}
    return {
        name
        for name, versions in wanted.items()
        if all(name.partition(".")[0] in found[version] for version in versions)
    }


def _resources(api: Api, group: str, version: str) -> set[str]:
    try:
        return {item["name"] for item in api.request("GET", f"/apis/{group}/{version}")["resources"]}
    except ApiFailed as error:
        if error.status in (404, 503):
            return set()  # not yet
        raise


def foreign(api: Api, definitions: Iterable[dict[str, Any]]) -> list[str]:
    """Names of those that somebody else has installed on this cluster: OCM, say, or Argo."""
    found = {body["metadata"]["name"]: body for body in api.list(CRD)["items"]}
    names = [body["metadata"]["name"] for body in definitions]
    return [name for name in names if name in found and not _is_ours(found[name])]


def uninstall(api: Api, definitions: Iterable[dict[str, Any]], seconds: float = 30) -> list[str]:
    """Delete those that `install` brought, and with them all objects of their kinds; returns their names.

    FleetError if some are still there after `seconds`: their objects have finalizers that nobody removes.
    """
    names = []
    for body in definitions:
        name = body["metadata"]["name"]
        found = api.get(CRD, name)
        if found and _is_ours(found):
            api.delete(CRD, name)
            names.append(name)
    deadline = time.monotonic() + seconds
    while left := [name for name in names if api.get(CRD, name)]:
        if time.monotonic() > deadline:
            raise FleetError(
                f"still there after {seconds:.0f} s, because objects of theirs have finalizers: {', '.join(left)}; "
                "they go away when Argosy's controllers run, or when the finalizers are removed by hand"
            )
        time.sleep(0.1)
    return names


def _is_ours(body: dict[str, Any]) -> bool:
    """Whether the definition was applied by `install`, as its field managers tell."""
    managers = body["metadata"].get("managedFields") or []
    return any((m["manager"], m["operation"]) == (FIELD_MANAGER, "Apply") for m in managers)


def _conditions(body: dict[str, Any]) -> dict[str, dict[str, Any]]:
    conditions = body.get("status", {}).get("conditions") or []
    return {condition["type"]: condition for condition in conditions}


def _problem(body: dict[str, Any]) -> str:
    """Why a definition is not served: a name taken by another, a schema that breaks the rules."""
    bad = {"NamesAccepted": "False", "NonStructuralSchema": "True"}
    said = [
        condition.get("message", kind)
        for kind, condition in _conditions(body).items()
        if bad.get(kind) == condition["status"]
    ]
    return f"{body['metadata']['name']}: {' '.join(said) or 'no reason given'}"
