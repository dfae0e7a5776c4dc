"""Which fields of an object are ours, by the API server's own record of it. Pure.

`metadata.managedFields` lists for each writer the fields that its writes have set. A node of such a record is a JSON
object: `f:name` is a field, `k:{...}` an item of a list whose items are known by a key, `v:...` an item of a set, and
`.` the thing itself. A node without anything below it is owned as a whole: a scalar, or a map or list that is
replaced as one. (Kubernetes documentation, Server-Side Apply; fieldsV1 of metav1.ManagedFieldsEntry.)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

import msgspec

Json = dict[str, Any]
Node = Mapping[str, Any]

# The manager that OCM's agent writes as; the same name lets either agent continue where the other stopped.
FIELD_MANAGER: Final = "work-agent"

NOTHING: Final[Node] = {}
SELF: Final = "."


class Fields(NamedTuple):
    """Who owns what below one place of an object. None: nobody has said anything about the place."""

    ours: Node | None
    theirs: Node | None

    def at(self, key: str) -> Fields:
        """The same, one step down: `f:spec`."""
        return Fields(_below(self.ours, key), _below(self.theirs, key))

    def steps(self) -> Iterator[str]:
        """What anybody owns directly below."""
        yield from self.ours or ()
        yield from (key for key in self.theirs or () if key not in (self.ours or ()))

    @property
    def is_atomic(self) -> bool:
        """Whether the place is owned as a whole, with everything in it."""
        known = [node for node in self if node is not None]
        return bool(known) and not any(key != SELF for node in known for key in node)


class Writer(NamedTuple):
    """One entry of managedFields: who wrote how, and which fields."""

    manager: str
    operation: str
    subresource: str
    fields: Node


def writers(live: Json) -> list[Writer]:
    """Of an object, in the order of its managedFields. What is no entry is left out."""
    found = (live.get("metadata") or {}).get("managedFields") or []
    return [
        Writer(
            item.get("manager") or "",
            item.get("operation") or "",
            item.get("subresource") or "",
            item.get("fieldsV1") or NOTHING,
        )
        for item in found
        if isinstance(item, Mapping)
    ]


def fields_of(live: Json) -> Fields:
    """Of the whole object: the agent's own, and everybody else's."""
    found = writers(live)
    return Fields(
        _together([writer.fields for writer in found if is_ours(writer)]),
        _together([writer.fields for writer in found if not is_ours(writer)]),
    )


def is_ours(writer: Writer) -> bool:
    """Whether an agent wrote it, this one or OCM's. A status is never ours."""
    return writer.manager == FIELD_MANAGER and not writer.subresource


def field(name: str) -> str:
    """How a record names a field."""
    return f"f:{name}"


def list_keys(fields: Fields) -> tuple[str, ...]:
    """The names of the fields that tell one item of the list from another; empty for a list without such."""
    for key in fields.steps():
        if key.startswith("k:"):
            return tuple(_item_key(key))
    return ()


def is_set(fields: Fields) -> bool:
    """Whether the list is one of scalars that stand for themselves."""
    return any(key.startswith("v:") for key in fields.steps())


def item_node(fields: Fields, item: Any) -> str | None:
    """How the record names `item` of a list; None: it does not."""
    if isinstance(item, Mapping):
        for key in fields.steps():
            names = _item_key(key) if key.startswith("k:") else {}
            if names and all(item.get(name) == value for name, value in names.items()):
                return key
        return None
    wanted = f"v:{msgspec.json.encode(item).decode()}"
    return wanted if wanted in (fields.ours or ()) or wanted in (fields.theirs or ()) else None


def owners(live: Json, path: Sequence[str]) -> list[Writer]:
    """Who wrote what is at `path` (`f:spec`, `f:replicas`), or the whole in which it is."""
    return [writer for writer in writers(live) if _reaches(writer.fields, path)]


def _reaches(node: Node, path: Sequence[str]) -> bool:
    for depth, step in enumerate(path):
        if step not in node:
            return depth > 0 and not any(key != SELF for key in node)
        node = node[step]
    return True


def _below(node: Node | None, key: str) -> Node | None:
    return None if node is None else node.get(key)


def _together(nodes: Sequence[Node]) -> Node | None:
    """What any of them has. Not to be changed: it may be one of them."""
    if len(nodes) < 2:
        return nodes[0] if nodes else None
    result: Json = {}
    for key in dict.fromkeys(key for node in nodes for key in node):
        result[key] = _together([node[key] for node in nodes if key in node])
    return result


@lru_cache(maxsize=4096)
def _item_key(key: str) -> Mapping[str, Any]:
    """The fields in `k:{"name":"c"}`. Not to be changed."""
    try:
        return msgspec.json.decode(key[2:], type=dict[str, Any])
    except msgspec.DecodeError:
        return {}
