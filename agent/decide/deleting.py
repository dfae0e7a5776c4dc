"""The condition Deleting of a ManifestWork: that it is being deleted, and what its removal waits for. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from controllers.api.conditions import condition
from controllers.api.meta import Condition
from controllers.api.work import BEING_DELETED, DELETING

_REASON: Final = "WorkDeleting"
# So many objects are named, whatever their number.
_NAMED: Final = 3
# What a Namespace says of its content while it goes.
_REMAINING: Final = ("NamespaceContentRemaining", "NamespaceFinalizersRemaining")


class Remaining(NamedTuple):
    """An object that is still on the cluster. `holders` are the finalizers that keep it there, `within` is what a
    Namespace says of its content, `refusal` why the agent could not do its part."""

    kind: str
    namespace: str
    name: str
    holders: tuple[str, ...] = ()
    within: tuple[str, ...] = ()
    refusal: str = ""

    @classmethod
    def of(cls, live: Mapping[str, Any]) -> Remaining:
        """From the object as the API server has it."""
        metadata = live.get("metadata") or {}
        # Of other kinds the status may be anything.
        is_namespace = (live.get("apiVersion"), live.get("kind")) == ("v1", "Namespace")
        conditions = ((live.get("status") or {}).get("conditions") or []) if is_namespace else []
        within = [
            str(item.get("message"))
            for item in conditions
            if item.get("type") in _REMAINING and item.get("status") == "True"
        ]
        return cls(
            str(live.get("kind")),
            str(metadata.get("namespace") or ""),
            str(metadata.get("name")),
            tuple(metadata.get("finalizers") or ()),
            tuple(within),
        )

    def __str__(self) -> str:
        name = f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"
        if self.refusal:
            return f"{name} cannot be removed: {self.refusal}"
        if self.holders:
            plural = "s" if len(self.holders) > 1 else ""
            return f"{name} is held by finalizer{plural} {', '.join(self.holders)}"
        if self.within:
            return f"{name} is held by what is in it ({'. '.join(self.within)})"
        return f"{name} is still there"


def deleting(remaining: Iterable[Remaining], now: datetime, generation: int) -> Condition:
    """The condition of a work that waits for these objects."""
    # First those that somebody has to do something about.
    ordered = sorted(remaining, key=lambda item: (not item.holders, not item.refusal, not item.within, item))
    text = BEING_DELETED
    if ordered:
        more = f"; and {len(ordered) - _NAMED} more" if len(ordered) > _NAMED else ""
        text += f": {'; '.join(map(str, ordered[:_NAMED]))}{more}"
        text += _advice(ordered[0])
    return condition(DELETING, True, _REASON, text, now, generation)


def _advice(first: Remaining) -> str:
    if not first.holders:
        return ""
    where = f" -n {first.namespace}" if first.namespace else ""
    return (
        ". Who has set a finalizer takes it off when it is done; if nobody is left to do that, take it off on the "
        f"cluster: kubectl edit {first.kind.lower()} {first.name}{where}"
    )
