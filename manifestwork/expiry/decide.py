"""When a ManifestWork is to be deleted because it has been complete for long enough. Pure.

Rules of OCM's controller for it (`manifestworkgarbagecollection` of open-cluster-management.io/ocm v1.2.0):
`deleteOption.ttlSecondsAfterFinished` seconds after the condition Complete turned True, at once for 0 and less, never
without it. The work's finalizers, and with them its agent, have their say as with any deletion.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from controllers.api.conditions import find
from controllers.api.meta import Condition, parsed

COMPLETE: Final = "Complete"


def expires(ttl: int | None, conditions: Sequence[Condition], *, is_going: bool) -> datetime | None:
    """When the work is to go; None: not as it is now. `ttl` in seconds; `is_going`: it is being deleted already.

    A time that no calendar has is never.
    """
    complete = find(conditions, COMPLETE)
    if ttl is None or is_going or complete is None or complete.status != "True":
        return None
    try:
        return parsed(complete.last_transition_time) + timedelta(seconds=max(ttl, 0))
    except (ValueError, OverflowError):
        return None
