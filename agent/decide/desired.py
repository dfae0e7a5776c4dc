"""What of a manifest the object is to have: at its creation, and at any later time. Pure.

Some of a manifest is for the creation only (finalizers), some is not the work's at all (the status, ownerReferences,
what a server writes into metadata), and some never comes back from a server as it was sent.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, Final

from agent.decide.difference import SAME, Leaving, difference, patched, stated, whole
from agent.decide.fields import Fields, Node, field, fields_of

Json = dict[str, Any]

_NAMES: Final = ("name", "namespace")
_MAPS: Final = ("labels", "annotations")
_APART: Final = ("apiVersion", "kind", "metadata", "status")


def at_creation(manifest: Json) -> Json:
    """The object to create. Others may take its finalizers away, and none of it is put back by `change`."""
    body = desired(manifest)
    if finalizers := (manifest.get("metadata") or {}).get("finalizers"):
        body["metadata"]["finalizers"] = finalizers
    for name in _MAPS:
        if isinstance(named := body["metadata"].get(name), Mapping):
            body["metadata"][name] = {key: value for key, value in named.items() if not key.endswith("-")}
    stripped: Json = stated(body)
    return stripped


def desired(manifest: Json) -> Json:
    """What the object is to have at any time, in the form in which a server returns it."""
    body: Json = {
        name: value
        for name, value in manifest.items()
        if name not in ("metadata", "status") and value is not None
    }
    metadata = manifest.get("metadata") or {}
    body["metadata"] = {name: metadata[name] for name in (*_NAMES, *_MAPS) if metadata.get(name) is not None}
    match body.get("apiVersion"), body.get("kind"):
        case "v1", "Secret":
            _encode(body)
        case "rbac.authorization.k8s.io/v1", "ClusterRole" if body.get("aggregationRule"):
            body.pop("rules", None)  # a controller of the cluster collects them
    return body


def change(manifest: Json, live: Json, leaving: Leaving | None = None) -> Json | None:
    """The merge patch that brings `live` to its manifest; None if there is nothing to change.

    Never of the status, nor of metadata other than labels and annotations. `leaving` as for `difference`.
    """
    wanted, fields = desired(manifest), fields_of(live)
    if leaving is not None:
        leaving = leaving._replace(
            kept=tuple(desired(other) for other in leaving.kept),
            # The server adds tolerations to a Pod, which nobody may take away again.
            whole=leaving.whole and wanted.get("kind") != "Pod",
        )
    rest = tuple(name for name in {*wanted, *live} if name not in _APART)
    patch = difference(
        _only(wanted, rest), _only(live, rest), _without(fields, _APART), leaving and _rest(leaving, rest)
    )
    result: Json = {} if patch is SAME else patch
    metadata = live.get("metadata") or {}
    maps = _of_maps(wanted["metadata"], metadata, fields.at("f:metadata"), leaving and leaving.at("metadata"))
    return {**result, "metadata": maps} if maps else result or None


def instead(manifest: Json, live: Json, patch: Json, causes: list[str]) -> Json | None:
    """For a change that the server has refused: the same, with what encloses each field that it names taken from the
    manifest as it is; None if that is nothing else.

    Of two fields that exclude each other the manifest names one, and the other may be anybody's: a default, somebody's
    change. `causes` are paths as the API writes them, such as `spec.strategy.rollingUpdate`.
    """
    body = patched(live, patch)
    wanted = desired(manifest)
    before = body
    for cause in causes:
        steps = _steps(cause)
        if steps and len(steps) > 2:
            body = _replaced(body, wanted, steps[:-1])
    if body == before:
        return None
    result = {name: whole(value, live.get(name)) for name, value in body.items() if name not in _APART}
    return {**patch, **{name: value for name, value in result.items() if body[name] != live.get(name)}}


# -- metadata --------------------------------------------------------------------------------------------
def _of_maps(wanted: Node, live: Node, fields: Fields, leaving: Leaving | None) -> Json:
    """The change of labels and annotations. A name with a dash at its end takes away what is without, as in OCM."""
    maps = {name: wanted[name] for name in _MAPS if isinstance(wanted.get(name), Mapping)}
    unwanted = {name: [key for key in maps.get(name, ()) if key.endswith("-")] for name in _MAPS}
    brought = {
        name: {key: value for key, value in maps.get(name, {}).items() if key not in unwanted[name]}
        for name in _MAPS
    }
    known = Fields(*(_only(node, map(field, _MAPS)) if node is not None else None for node in fields))
    present = {name: live.get(name) or {} for name in _MAPS}
    patch = difference(brought, present, known, leaving)
    result: Json = {} if patch is SAME else dict(patch)
    for name in _MAPS:
        gone = {key[:-1]: None for key in unwanted[name] if key[:-1] in present[name]}
        if gone:
            result[name] = {**(result.get(name) or {}), **gone}
        if name in wanted and name not in maps:
            result[name] = wanted[name]  # no map: the server says so
    return result


# -- kinds -----------------------------------------------------------------------------------------------
def _encode(secret: Json) -> None:
    """What is given as text is stored as data, and wins over it."""
    texts = secret.pop("stringData", None)
    if isinstance(texts, Mapping) and isinstance(secret.get("data") or {}, Mapping):
        encoded = {
            key: base64.b64encode(text.encode()).decode()
            for key, text in texts.items()
            if isinstance(text, str)
        }
        secret["data"] = {**(secret.get("data") or {}), **encoded}


# -- parts -----------------------------------------------------------------------------------------------
def _only(node: Node, names: Any) -> Json:
    return {name: node[name] for name in names if name in node}


def _without(fields: Fields, names: tuple[str, ...]) -> Fields:
    apart = {field(name) for name in names}
    return Fields(
        *(
            None if node is None else {key: below for key, below in node.items() if key not in apart}
            for node in fields
        )
    )


def _rest(leaving: Leaving, names: tuple[str, ...]) -> Leaving:
    return leaving._replace(kept=tuple(_only(one, names) for one in leaving.kept))


def _steps(path: str) -> list[str | int] | None:
    """`spec.ports[0].name` in parts; None for one that names a key in brackets, which may be anything."""
    steps: list[str | int] = []
    for part in path.split("."):
        name, *indexes = part.split("[")
        steps.append(name)
        for index in indexes:
            number = index.rstrip("]")
            if not number.isdecimal():
                return None
            steps.append(int(number))
    return steps


def _replaced(body: Any, wanted: Any, steps: list[str | int]) -> Any:
    """`body` with what is at `steps` as it is in `wanted`; the same if that does not name it."""
    if not steps:
        return body if wanted is None else stated(wanted)
    step, *rest = steps
    if isinstance(step, int):
        if not (isinstance(body, list) and isinstance(wanted, list) and step < len(body)):
            return body
        other = next((item for item in wanted if _is_part(item, body[step])), None)
        return [*body[:step], _replaced(body[step], other, rest), *body[step + 1 :]]
    if not (isinstance(body, Mapping) and isinstance(wanted, Mapping) and step in body):
        return body
    return {**body, step: _replaced(body[step], wanted.get(step), rest)}


def _is_part(item: Any, there: Any) -> bool:
    """Whether the item of the manifest is the one that is there: all its scalars are."""
    if not (isinstance(item, Mapping) and isinstance(there, Mapping)):
        return bool(item == there)
    return all(
        there.get(key) == value for key, value in item.items() if not isinstance(value, Mapping | list)
    )
