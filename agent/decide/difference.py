"""What has to change in an object so that it is as its manifest says: a three-way comparison. Pure.

What the manifest names is brought. What the agent has written earlier and the manifest does not name any more is
taken away; the API server's record of who wrote what (`agent.decide.fields`) tells which that is. All else stays:
what others have added, what the cluster has allotted. Items of lists are matched by the keys that the record shows.

The record counts the server's defaults among what the agent has written. Taking them away does no harm, since the
server puts them back while it reads the patch; but nothing here tells them from what has left. So it is asked for
(`leaving`) once for each new manifest, not with each look.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from agent.decide.fields import SELF, Fields, Node, field, is_set, item_node, list_keys

Json = dict[str, Any]


class _Same:
    """Nothing has to change."""


SAME: Final = _Same()
_GONE: Final = _Same()


_STRING_MAPS: Final = frozenset(
    ("annotations", "binaryData", "data", "labels", "limits", "matchLabels", "nodeSelector", "requests")
)


class Leaving(NamedTuple):
    """That what has left the manifest is to leave the object, but for what is named by one of `kept`: manifests of
    other works for the same object. `whole`: also out of lists and maps that can only be written as a whole."""

    kept: tuple[Any, ...] = ()
    whole: bool = True

    def at(self, name: str) -> Leaving:
        """The same, for a field."""
        return Leaving(
            tuple(one[name] for one in self.kept if isinstance(one, Mapping) and one.get(name) is not None),
            self.whole,
        )

    def lists(self, keys: Sequence[str], item: Any) -> Leaving:
        """The same, for an item of a list."""
        lists = [one for one in self.kept if isinstance(one, list)]
        return Leaving(
            tuple(other for one in lists for other in one if _is_same_item(keys, other, item)), self.whole
        )


def difference(wanted: Any, live: Any, fields: Fields, leaving: Leaving | None = None) -> Any:
    """The merge patch (RFC 7386) that brings `live` to `wanted`; SAME if there is nothing to change.

    `fields`: who owns what of `live`. A null in `wanted` names nothing.
    """
    if isinstance(wanted, Mapping) and isinstance(live, Mapping):
        return _of_map(wanted, live, fields, leaving)
    if isinstance(wanted, list) and isinstance(live, list):
        return _of_list(wanted, live, fields, leaving)
    return SAME if wanted == live else stated(wanted)


def fits(wanted: Any, live: Any) -> bool:
    """Whether `live` has all of `wanted`, place by place. What only `live` has (defaults, status) does not matter."""
    if isinstance(wanted, Mapping):
        return isinstance(live, Mapping) and all(
            value is None
            or (live.get(key) is None and _is_left_out(key, value))
            or fits(value, live.get(key))
            for key, value in wanted.items()
        )
    if isinstance(wanted, list):
        return (
            isinstance(live, list)
            and len(wanted) == len(live)
            and all(fits(one, other) for one, other in zip(wanted, live, strict=True))
        )
    return bool(wanted == live)


def stated(wanted: Any) -> Any:
    """`wanted` without its nulls."""
    if isinstance(wanted, Mapping):
        return {key: stated(value) for key, value in wanted.items() if value is not None}
    if isinstance(wanted, list):
        return [stated(item) for item in wanted]
    return wanted


def patched(live: Any, patch: Any) -> Any:
    """`live` after a merge patch."""
    if not isinstance(patch, Mapping):
        return patch
    result = dict(live) if isinstance(live, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = patched(result.get(key), value)
    return result


def whole(wanted: Any, live: Any) -> Any:
    """The merge patch that makes `wanted` of `live` with nothing left of it, or of the place if that is no map."""
    if not (isinstance(wanted, Mapping) and isinstance(live, Mapping)):
        return stated(wanted)
    patch = {key: None for key in live if wanted.get(key) is None}
    return patch | {key: whole(value, live.get(key)) for key, value in wanted.items() if value is not None}


def touched(patch: Any, live: Any) -> Any:
    """What `live` has where a merge patch would change it."""
    if isinstance(patch, Mapping) and isinstance(live, Mapping):
        return {name: touched(value, live.get(name)) for name, value in patch.items()}
    return live


def differing(wanted: Any, live: Any, fields: Fields) -> Iterator[tuple[str, ...]]:
    """Where `live` is not as `wanted`: paths as a record names them (`f:data`, `f:a`)."""
    if isinstance(wanted, Mapping) and isinstance(live, Mapping):
        for name, value in wanted.items():
            if value is not None:
                step = field(name)
                for path in differing(value, live.get(name), fields.at(step)):
                    yield (step, *path)
        return
    deeper = False
    if isinstance(wanted, list) and isinstance(live, list):
        for item, other in _matched(wanted, live, list_keys(fields)) or ():
            node = item_node(fields, other)
            if node is not None:
                for path in differing(item, other, fields.at(node)):
                    deeper = True
                    yield (node, *path)
    if not deeper and difference(wanted, live, fields) is not SAME:
        yield ()


# -- maps ------------------------------------------------------------------------------------------------
def _of_map(wanted: Node, live: Node, fields: Fields, leaving: Leaving | None) -> Any:
    if fields.is_atomic and live:
        if _stays_whole(wanted, live, fields, leaving):
            return SAME
        patch = whole(wanted, live)
        return patch if patched(live, patch) != live else SAME
    patch = {}
    for name, value in wanted.items():
        if value is None:
            continue
        if live.get(name) is None:
            if not _is_left_out(name, value):
                patch[name] = stated(value)
            continue
        inner = difference(value, live[name], fields.at(field(name)), leaving and leaving.at(name))
        if inner is not SAME:
            patch[name] = inner
    if leaving is not None:
        patch |= _left(wanted, live, fields, leaving)
    return patch or SAME


def _is_left_out(name: str, value: Any) -> bool:
    """Whether a server drops the value: an empty list, or an empty map of strings. Other empty maps say something."""
    return value == [] or (value == {} and name in _STRING_MAPS)


def _left(wanted: Node, live: Node, fields: Fields, leaving: Leaving) -> Json:
    """What of our fields in a map is named no more, as a merge patch."""
    patch: Json = {}
    for step in fields.ours or ():
        name = step[2:]
        if step == SELF or wanted.get(name) is not None or live.get(name) is None:
            continue
        rest = _without(live[name], fields.at(step), leaving.at(name))
        if rest is _GONE:
            patch[name] = None
        elif rest != live[name]:
            patch[name] = whole(rest, live[name])
    return patch


def _without(live: Any, fields: Fields, leaving: Leaving) -> Any:
    """What is left of a value that the manifest does not name, without what is ours alone; _GONE if nothing is."""
    ours, theirs = fields
    if ours is None:
        return live
    below = [step for step in ours if step != SELF]
    if not below:
        return live if theirs is not None or leaving.kept else _GONE
    if isinstance(live, Mapping):
        result = dict(live)
        for step in below:
            name = step[2:]
            if name not in live:
                continue
            rest = _without(live[name], fields.at(step), leaving.at(name))
            if rest is _GONE:
                del result[name]
            else:
                result[name] = rest
        return result if result or leaving.kept or _has_itself(theirs) else _GONE
    if isinstance(live, list):
        kept = [rest for item in live if (rest := _item_without(item, fields, leaving)) is not _GONE]
        return kept if kept or leaving.kept or _has_itself(theirs) else _GONE
    return live if theirs is not None or leaving.kept else _GONE


def _has_itself(theirs: Node | None) -> bool:
    """Whether others own the place itself, not only something in it."""
    return theirs is not None and (SELF in theirs or not theirs)


# -- lists -----------------------------------------------------------------------------------------------
def _of_list(wanted: list[Any], live: list[Any], fields: Fields, leaving: Leaving | None) -> Any:
    keys = list_keys(fields)
    pairs = _matched(wanted, live, keys) if keys else None
    if pairs is not None:
        result = _by_key(pairs, live, fields, keys, leaving)
    elif is_set(fields) and not any(isinstance(item, Mapping | list) for item in (*wanted, *live)):
        result = _of_set(wanted, live, fields, leaving)
    elif _stays_whole(wanted, live, fields, leaving):
        return SAME
    else:
        result = stated(wanted)
    return SAME if result == live else result


def _of_set(wanted: list[Any], live: list[Any], fields: Fields, leaving: Leaving | None) -> list[Any]:
    rest = [
        item
        for item in live
        if item in wanted or leaving is None or _item_without(item, fields, leaving) is not _GONE
    ]
    return rest + [item for item in wanted if item not in rest]


def _by_key(
    pairs: list[tuple[Any, Any]],
    live: list[Any],
    fields: Fields,
    keys: Sequence[str],
    leaving: Leaving | None,
) -> list[Any]:
    """The list with each item of the manifest brought, in its order, and those of others where they are."""
    brought = []
    places = set()
    for item, there in pairs:
        if there is None:
            brought.append(stated(item))
            continue
        places.add(id(there))
        below = fields.at(item_node(fields, there) or "")
        patch = difference(item, there, below, leaving and leaving.lists(keys, there))
        brought.append(there if patch is SAME else patched(there, patch))
    result = []
    coming = iter(brought)
    for there in live:
        if id(there) in places:
            result.append(next(coming))
        elif leaving is None:
            result.append(there)
        elif (rest := _item_without(there, fields, leaving, keys)) is not _GONE:
            result.append(rest)
    return [*result, *coming]


def _item_without(item: Any, fields: Fields, leaving: Leaving, keys: Sequence[str] = ()) -> Any:
    """What is left of an item that the manifest does not name. One that we have added goes as a whole."""
    step = item_node(fields, item)
    if step is None:
        return item
    kept = leaving.lists(keys or list_keys(fields), item)
    ours, theirs = fields.at(step)
    if kept.kept or ours is None:
        return item
    if not isinstance(item, Mapping) or SELF in ours:
        return item if _has_itself(theirs) else _GONE
    return _without(item, Fields(ours, theirs), kept)


def _matched(wanted: list[Any], live: list[Any], keys: Sequence[str]) -> list[tuple[Any, Any | None]] | None:
    """Each item of the manifest with the one that is there, None for a new one. None: keys do not tell them apart.

    A key that the manifest leaves to a default (the protocol of a port) fits any item that no other one names.
    """
    if not keys or not all(isinstance(item, Mapping) for item in (*wanted, *live)):
        return None
    there: dict[tuple[Any, ...], Any] = {}
    for item in live:
        if there.setdefault(_values(item, keys), item) is not item:
            return None
    found: list[Any | None] = []
    taken = set()
    for item in wanted:
        values = _values(item, keys)
        if values in taken:
            return None
        taken.add(values)
        found.append(there.pop(values, None))
    for number, item in enumerate(wanted):
        if found[number] is None and None in _values(item, keys):
            match = next((values for values in there if _is_like(_values(item, keys), values)), None)
            found[number] = None if match is None else there.pop(match)
    return list(zip(wanted, found, strict=True))


def _values(item: Node, keys: Sequence[str]) -> tuple[Any, ...]:
    values = (item.get(key) for key in keys)
    return tuple(value if isinstance(value, str | int | float) else None for value in values)


def _is_like(partial: Sequence[Any], values: Sequence[Any]) -> bool:
    return all(one is None or one == other for one, other in zip(partial, values, strict=True))


def _is_same_item(keys: Sequence[str], one: Any, other: Any) -> bool:
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return bool(keys) and _is_like(_values(one, keys), _values(other, keys))
    return bool(one == other)


# -- what is written as a whole --------------------------------------------------------------------------
def _stays_whole(wanted: Any, live: Any, fields: Fields, leaving: Leaving | None) -> bool:
    """Whether a list or map that can only be written as a whole is as it should be.

    What the last to write it was the agent has in it beside came in the same request: by a default, or by an
    admission webhook, which would put it in again. Somebody else's addition has made the whole theirs.
    """
    ours, theirs = fields
    if ours is not None and theirs is None:
        if leaving is not None and leaving.whole:
            return _is_same(wanted, live)
        return fits(wanted, live) or _contains(live, wanted)
    if ours is None and theirs is not None:
        return _is_same(wanted, live)
    return fits(wanted, live)


def _is_same(wanted: Any, live: Any) -> bool:
    return fits(wanted, live) and fits(live, wanted)


def _contains(live: Any, wanted: Any) -> bool:
    """Whether the items of `wanted` are among those of `live`, in their order."""
    if not (isinstance(live, list) and isinstance(wanted, list)):
        return False
    rest = iter(live)
    return all(any(fits(item, other) for other in rest) for item in wanted)
