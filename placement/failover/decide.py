"""Whether a Workflow on a lost cluster stays or goes on elsewhere, and when. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from controllers.api.meta import timestamp
from placement.chance import chance
from placement.failover.loss import Loss
from placement.settings import Settings

# Workflows per second that leave a lost cluster, so that those that take them in are not overrun; and the longest that
# one waits for its turn, however many there are.
PACE: Final = 10.0
LONGEST_TURN: Final = timedelta(seconds=60)


class Stay(NamedTuple):
    """`words`: what to tell the user, after "cluster c1"; "" for nothing. `until`: when to ask again; None: never."""

    words: str
    until: datetime | None = None


class Move(NamedTuple):
    """The Workflow goes on elsewhere, now."""


def decide(
    loss: Loss, settings: Settings, *, noticed: datetime, now: datetime, seed: str, others: int
) -> Stay | Move:
    """`noticed`: when this process first saw the loss, for one that doesn't say since when it is. `others`: how many
    Workflows are on the cluster, which take turns; `seed` gives each its own."""
    if not settings.reschedules:
        return Stay("" if loss.is_drained else f"{loss.words}: the Workflow goes on there when it comes back")
    # What says that it begins in the future has begun: who may set taints may set any time.
    due = min(loss.since or noticed, now) + settings.after
    turn = min(timedelta(seconds=others / PACE), LONGEST_TURN) * chance(seed)
    if due + turn <= now:
        return Move()
    # To the second, which the text is compared by: `turn` changes with the number of the others.
    return Stay(
        f"{loss.words}: the Workflow is rescheduled at {timestamp(due)} unless it comes back", due + turn
    )
