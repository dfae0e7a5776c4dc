"""Fields of a manifest that others on the cluster decide: `ignoreFields` of a server-side apply. Pure.

Rules of OCM's work agent (v1.2.0). OnSpokePresent leaves the fields out whenever the object is there; OnSpokeChange
brings them only when the manifest itself has changed, which a hash in an annotation of the object tells. An object that
is not there gets all fields.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from agent.decide.kubectl_path import every
from agent.decide.path_walk import Steps
from controllers.api.manifestconfig import IgnoreField

Json = dict[str, Any]

# OCM's agent and ours hash differently: where one follows the other, an object is applied once more.
HASH_ANNOTATION: Final = "open-cluster-management.io/config-spec-hash"
_ON_CHANGE: Final = "OnSpokeChange"


class Ignoring:
    """`fields` of one manifest's strategy; none: everything is applied. Raises PathError for one that can't be read."""

    def __init__(self, manifest: Json, fields: Iterable[IgnoreField]) -> None:
        fields = list(fields)
        self._manifest = manifest
        self._present = [path for item in fields if item.condition != _ON_CHANGE for path in item.json_paths]
        self._changing = [path for item in fields if item.condition == _ON_CHANGE for path in item.json_paths]
        self._hashed = without(manifest, self._present)
        self._hash = _hash(self._hashed) if fields else ""
        # What of the manifest the live object is to have at any time.
        self.compared = without(self._hashed, self._changing)

    def applied(self, live: Json | None) -> Json:
        """What to send, for an object as it is now; None: there is none.

        Fields that are left alone are sent as they are there: left out, a server-side apply would take those away that
        came with an earlier one.
        """
        if not self._hash:
            return self._manifest
        if live is None:
            return self._marked(self._manifest)
        annotations = (live.get("metadata") or {}).get("annotations") or {}
        if annotations.get(HASH_ANNOTATION) == self._hash:
            return self._marked(_with(self.compared, live, [*self._present, *self._changing]))
        return self._marked(_with(self._hashed, live, self._present))

    def _marked(self, body: Json) -> Json:
        metadata = dict(body.get("metadata") or {})
        metadata["annotations"] = {**(metadata.get("annotations") or {}), HASH_ANNOTATION: self._hash}
        return {**body, "metadata": metadata}


def without(body: Json, paths: Iterable[str]) -> Json:
    """`body` without the fields at `paths`, such as `.spec.replicas`; what leads nowhere takes nothing away. Items of a
    list stay: a list without some of them would be another one. Raises PathError for a path that can't be read."""
    wanted = list(paths)
    if not wanted:
        return body  # most manifests ignore nothing, and each is looked at with every change of its object
    result: Json = copy.deepcopy(body)
    steps = Steps()
    for path in wanted:
        parent, _, name = path.strip().removeprefix("{").removesuffix("}").rpartition(".")
        for found in every(parent, result, steps) if parent else [result]:
            if isinstance(found, dict):
                found.pop(name, None)
    return result


def _with(body: Json, live: Json, paths: Iterable[str]) -> Json:
    """`body` with the values that `live` has at `paths`, but for those in lists, whose place nothing tells."""
    result: Json = copy.deepcopy(body)
    for path in paths:
        if "[" in path or ".." in path:
            continue
        *parents, name = path.strip().strip("{}").lstrip("$.").split(".")
        source: Any = live
        for parent in parents:
            source = source.get(parent) if isinstance(source, dict) else None
        if not isinstance(source, dict) or name not in source:
            continue
        target: Any = result
        for parent in parents:
            target = target.setdefault(parent, {}) if isinstance(target, dict) else None
        if isinstance(target, dict):
            target[name] = source[name]
    return result


def _hash(body: Json) -> str:
    return hashlib.sha256(msgspec.json.encode(body, order="deterministic")).hexdigest()[:32]
