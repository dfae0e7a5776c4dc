"""What a cluster shall have on the hub, by how far it is in. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from controllers.api.membership import Owned, bindings, membership

Json = dict[str, Any]


class Plan(NamedTuple):
    """`make`: what is missing or differs, in the order to make it; `remove`: what shall not be, in the order to
    remove it."""

    make: Sequence[Owned]
    remove: Sequence[Owned]


def plan(
    cluster: str, present: Iterable[tuple[Owned, Json]], *, uid: str = "", accepted: bool, gone: bool
) -> Plan:
    """`present`: what is there of `membership(cluster, uid)`, each with the object as it is.

    `gone`: nothing of it stays. A cluster that is not accepted has no bindings; its namespace and roles stay, since it
    may be accepted again.
    """
    there = {(item.kind, item.name): body for item, body in present}
    everything = membership(cluster, uid)
    if gone or not accepted:
        unwanted = everything if gone else bindings(cluster)
        return Plan([], [item for item in reversed(unwanted) if (item.kind, item.name) in there])
    return Plan([item for item in everything if _differs(item, there.get((item.kind, item.name)))], [])


def _differs(wanted: Owned, there: Json | None) -> bool:
    if there is not None and wanted.is_free:
        return False
    return there is None or any(there.get(name) != value for name, value in wanted.content.items())
