"""How long what a work has applied stays on the cluster once the hub has no such work any more. Pure."""

from __future__ import annotations

import datetime
from typing import NamedTuple, Self

# OCM's grace for works that vanished from the hub: somebody may bring them back.
FORGOTTEN = datetime.timedelta(minutes=60)
# A hub that was restored from a backup has lost every work that came after it, through no will of a user.
RESTORED = datetime.timedelta(days=7)
# A grace of so long, or longer, is how OCM's agent is told to evict nothing at all.
NEVER = datetime.timedelta(days=100 * 365)


class Grace(NamedTuple):
    """`forgotten`: after a work has vanished; `restored`: after the hub went back in time, whichever ends later. Both
    are NEVER at most."""

    forgotten: datetime.timedelta = FORGOTTEN
    restored: datetime.timedelta = RESTORED

    @classmethod
    def of(cls, forgotten: float, restored: float) -> Self:
        """From seconds, however many."""
        longest = NEVER.total_seconds()
        return cls(*(datetime.timedelta(seconds=min(each, longest)) for each in (forgotten, restored)))

    @property
    def never_ends(self) -> bool:
        """Whether what a work has applied stays however long the hub lacks the work."""
        return self.forgotten >= NEVER

    def due(
        self, missing_since: datetime.datetime, went_back_at: datetime.datetime | None
    ) -> datetime.datetime:
        """When the objects of a work may be removed. `went_back_at`: when the hub was last found to have gone back."""
        due = missing_since + self.forgotten
        if went_back_at is None or due > went_back_at + self.restored:
            return due
        return max(due, went_back_at + self.restored)
