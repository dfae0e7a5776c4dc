"""Whether a cluster is alive, and what its ManagedCluster is to say of it: conditions, and taints that keep
Placements off. Pure.

Rules of OCM's registration controllers (v1.2.0): a lease that did not move for five times its duration makes the
cluster Unknown; Unknown or no word yet gives it the taint unreachable, False the taint unavailable. One thing is better
here: a lease counts as moving when this hub sees it move, whatever the clock of the cluster says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from controllers.api.cluster import (
    ACCEPTED,
    AVAILABLE,
    DEFAULT_LEASE_SECONDS,
    UNAVAILABLE,
    UNREACHABLE,
    ManagedCluster,
    Taint,
)
from controllers.api.conditions import condition, find, is_true, with_condition
from controllers.api.meta import Condition, timestamp

_OURS: Final = frozenset({UNREACHABLE, UNAVAILABLE})

# How many lease durations may pass without a renewal.
MISSES: Final = 5


@dataclass(frozen=True)
class Pulse:
    """What is known of a cluster's life. `renewed`: its lease's renewTime, by the clock of the cluster, but no later
    than when it was seen here. `heard`: when this process saw the lease move, or the agent say that the cluster is
    available; `since`: when it first looked; both by its own clock. None: never, or there is no lease."""

    since: datetime
    renewed: datetime | None = None
    heard: datetime | None = None


@dataclass(frozen=True)
class Health:
    """What the ManagedCluster shall have. `due`: when to look again though nothing has changed; None: never."""

    conditions: Sequence[Condition]
    taints: Sequence[Taint]
    due: datetime | None


def judge(cluster: ManagedCluster, pulse: Pulse, now: datetime) -> Health:
    """The health of a cluster that is not being deleted."""
    conditions = _accepted(cluster, now)
    if not is_true(conditions, ACCEPTED):
        # It never was let in, or is not any more: what it says of itself does not count.
        return Health(conditions, _taints(cluster.spec.taints, None, now), None)
    due: datetime | None = None
    if (dies_at := _dies_at(cluster, pulse)) > now:
        due = dies_at
    else:
        text = "Registration agent stopped updating its lease."
        lost = condition(AVAILABLE, None, "ManagedClusterLeaseUpdateStopped", text, now)
        conditions = with_condition(conditions, lost)
    return Health(conditions, _taints(cluster.spec.taints, find(conditions, AVAILABLE), now), due)


def _accepted(cluster: ManagedCluster, now: datetime) -> list[Condition]:
    conditions = list(cluster.status.conditions)
    if cluster.spec.hub_accepts_client:
        text = "Accepted by hub cluster admin"
        return with_condition(conditions, condition(ACCEPTED, True, "HubClusterAdminAccepted", text, now))
    if find(conditions, ACCEPTED) is None:
        return conditions
    text = "Denied by hub cluster admin"
    return with_condition(conditions, condition(ACCEPTED, False, "HubClusterAdminDenied", text, now))


def _dies_at(cluster: ManagedCluster, pulse: Pulse) -> datetime:
    """When the cluster counts as lost if nothing more is heard of it."""
    duration = timedelta(seconds=cluster.spec.lease_duration_seconds or DEFAULT_LEASE_SECONDS)
    # Two durations after this process has started it must have seen a renewal, even of a clock that is far behind.
    ends = [pulse.since + 2 * duration]
    ends += [moment + MISSES * duration for moment in (pulse.renewed, pulse.heard) if moment is not None]
    if pulse.renewed is None and pulse.heard is None:
        ends.append(pulse.since + MISSES * duration)
    return max(ends)


def _taints(present: Sequence[Taint], available: Condition | None, now: datetime) -> list[Taint]:
    status = available.status if available is not None else "Unknown"
    wanted = {"True": None, "False": UNAVAILABLE}.get(status, UNREACHABLE)
    kept = [item for item in present if item.key not in _OURS or item.key == wanted]
    if wanted is None or any(item.key == wanted for item in kept):
        return kept
    return [*kept, Taint(key=wanted, effect="NoSelect", time_added=timestamp(now))]
