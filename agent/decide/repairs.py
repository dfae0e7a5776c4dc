"""How often an object is repaired that does not stay repaired. Pure.

What is wrong is put right at once, a few times. An object that is wrong again each time has somebody else who wants it
otherwise: another work, a controller of the cluster, the garbage collector. Then the repairs become less and less
frequent, down to one a minute, and whoever reads the work is told who disagrees, until the object has stayed right for
a while.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

# So many repairs in a row are made at once.
FREE: Final = 10
# Seconds before the next one after these; each one doubles it, up to the last.
FIRST_DELAY: Final = 1.0
LONGEST_DELAY: Final = 60.0
# Seconds for which an object has to stay right; then what was before is forgotten. Far more than the longest delay: of
# two agents or works that both wait for so long, each finds it as it left it in the meantime.
CALM: Final = 180.0


@dataclass(frozen=True, slots=True)
class Repairs:
    """Of one object: how many in a row, when the last one was made, and when it was first seen to be wrong after
    that (None: it was not), in seconds of a monotonic clock."""

    count: int = 0
    last: float = 0.0
    wrong: float | None = None

    def seen(self, now: float, *, right: bool) -> Repairs:
        """After a look at the object."""
        stood_until = now if self.wrong is None else self.wrong
        if not self.count or stood_until - self.last >= CALM:
            return Repairs()
        if right:
            return Repairs(self.count, self.last)
        return self if self.wrong is not None else Repairs(self.count, self.last, now)

    def made(self, now: float) -> Repairs:
        """After one more repair."""
        return Repairs(self.count + 1, now)

    def wait(self, now: float) -> float:
        """In how many seconds the next repair may be made; 0: now."""
        return max(0.0, self.last + self._delay() - now)

    def calm_in(self, now: float) -> float:
        """In how many seconds the object will have been right for long enough, if it stays so."""
        return max(0.0, self.last + CALM - now)

    @property
    def is_disputed(self) -> bool:
        """Whether somebody disagrees, and is to be named."""
        return self.count >= FREE

    def _delay(self) -> float:
        if self.count < FREE:
            return 0.0
        return min(LONGEST_DELAY, FIRST_DELAY * 2.0 ** min(self.count - FREE, 60))
