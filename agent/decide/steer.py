"""What of a hub's change goes to a running Workflow: a three-way comparison, as kubectl apply makes it. Pure.

Only what the hub has changed since it was last brought here goes to the copy. What somebody changed on the
cluster (argo stop, argo suspend) stays, whether the agent is started anew or another field is changed on the hub.
What was last brought is written on the copy itself, in the same request: no crash comes between the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from controllers.api.keys import LAST_APPLIED_ANNOTATION
from controllers.api.workflow import MUTABLE_SPEC

Json = dict[str, Any]


def with_record(manifest: Json) -> Json:
    """`manifest`, to be created, with the record of what it brings."""
    metadata = manifest.get("metadata") or {}
    annotations = {**(metadata.get("annotations") or {}), LAST_APPLIED_ANNOTATION: _record(manifest)}
    return {**manifest, "metadata": {**metadata, "annotations": annotations}}


def steering(manifest: Json, live: Json, *, brought: bool) -> Json | None:
    """The merge patch that brings what the hub has changed; None if there is nothing to write.

    `brought`: `manifest` is known to have been applied as it is. It is asked of a copy that bears no record, which
    is one that OCM's agent made; without a record and unless brought, whatever differs is steered.
    """
    wanted, record = _mutable(manifest), _record(manifest)
    recorded = ((live.get("metadata") or {}).get("annotations") or {}).get(LAST_APPLIED_ANNOTATION)
    if recorded == record:
        return None
    present = _mutable(live)
    last = wanted if brought and recorded is None else _read(recorded, default=present)
    changed = {
        name: wanted.get(name)
        for name in MUTABLE_SPEC
        if wanted.get(name) != last.get(name) and wanted.get(name) != present.get(name)
    }
    patch: Json = {"metadata": {"annotations": {LAST_APPLIED_ANNOTATION: record}}}
    return {**patch, "spec": changed} if changed else patch


def _mutable(workflow: Json) -> Json:
    spec = workflow.get("spec") or {}
    return {name: spec[name] for name in MUTABLE_SPEC if spec.get(name) is not None}


def _record(manifest: Json) -> str:
    return msgspec.json.encode(_mutable(manifest), order="deterministic").decode()


def _read(recorded: str | None, *, default: Json) -> Mapping[str, Any]:
    try:
        return msgspec.json.decode(recorded or "", type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return default  # none, or somebody has put something else there
