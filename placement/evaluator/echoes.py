"""Which changes that a watch tells of leave things as the evaluator wants them: its own writes, come back, mostly.

Each decision of a Placement comes back twice, and its status once. To look at them anew would double the evaluations
of a hub, and, with scores that depend on other Placements' decisions, now and then change one. They are told by what
they hold, since the watch is as fast as the answer to the write.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from controllers.api import keys
from controllers.api.placement import Placement, PlacementDecision, PlacementStatus
from controllers.runtime.cache import Change, Key
from placement.evaluator.decisions import Plan, plan


@dataclass
class _Wanted:
    pages: dict[str, PlacementDecision] = field(default_factory=dict)
    making: set[str] = field(default_factory=set)
    status: PlacementStatus | None = None


class Echoes:
    """What each Placement's evaluation has wanted last. Who changes it hears of it in the order of the calls."""

    def __init__(self) -> None:
        self._wanted: dict[Key, _Wanted] = {}

    def begin(self, placement: Key, pages: Sequence[PlacementDecision], todo: Plan) -> None:
        """These pages are about to be there, by the writes of `todo`."""
        wanted = self._of(placement)
        wanted.pages = {page.metadata.name: page for page in pages}
        # A page is made without a status, which follows; that it has none is no news in between.
        wanted.making = {write.page.metadata.name for write in todo.writes if write.create is not None}

    def end(self, placement: Key) -> None:
        """They are there."""
        self._of(placement).making = set()

    def tell(self, placement: Key, status: PlacementStatus) -> None:
        """The Placement is about to have this status."""
        self._of(placement).status = status

    def forget(self, placement: Key) -> None:
        """There is no such Placement any more."""
        self._wanted.pop(placement, None)

    def has_made_page(self, change: Change) -> bool:
        """Whether this change of a PlacementDecision leaves nothing to do."""
        item = change.object
        owner = (item.metadata.namespace, item.metadata.labels.get(keys.PLACEMENT_LABEL, ""))
        wanted = self._wanted.get(owner)
        if wanted is None:
            return False
        name = item.metadata.name
        if change.new is None or change.new.metadata.deletion_timestamp is not None:
            return name not in wanted.pages
        if name not in wanted.pages:
            return False
        live = item.decode(PlacementDecision)
        if name in wanted.making and not live.status.decisions:
            return True
        return not plan([wanted.pages[name]], [live]).writes

    def has_made_placement(self, change: Change) -> bool:
        """Whether in this change of a Placement only its status has moved, to what it shall be."""
        old, new = change
        if old is None or new is None:
            return False
        wanted = self._wanted.get(new.key)
        before, after = old.metadata, new.metadata
        return (
            wanted is not None
            and (before.uid, before.generation, before.deletion_timestamp, before.annotations)
            == (after.uid, after.generation, after.deletion_timestamp, after.annotations)
            and new.decode(Placement).status == wanted.status
        )

    def _of(self, placement: Key) -> _Wanted:
        return self._wanted.setdefault(placement, _Wanted())
