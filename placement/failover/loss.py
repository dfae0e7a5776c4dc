"""Whether a cluster is lost or drained, as a Workflow on it sees that. Pure.

Lost: the cluster is not there any more, is being deleted, or has one of the taints that Open Cluster Management's
registration, or our own, gives a cluster that is not heard of. Drained: it has another NoSelect taint, as an
administrator puts on it before maintenance. What the Workflow's Placement tolerates is neither, for as long as it does.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from controllers.api.cluster import UNAVAILABLE, UNREACHABLE, ManagedCluster
from controllers.api.meta import parsed
from controllers.api.placement_policy import Toleration
from placement.evaluator.taints import described, tolerance


class Loss(NamedTuple):
    """`since`: when it began; None: not known. `is_drained`: its agent is alive, and what runs there goes on. `words`:
    what is the matter, after "cluster c1"."""

    words: str
    since: datetime | None
    is_drained: bool = False


class Sighting(NamedTuple):
    """`until`: when to look again though nothing has changed, since a toleration runs out; None: never."""

    loss: Loss | None = None
    until: datetime | None = None


def is_suspect(cluster: ManagedCluster) -> bool:
    """Whether it is worth asking `sight`: most clusters never are."""
    return cluster.metadata.deletion_timestamp is not None or bool(cluster.spec.taints)


def sight(cluster: ManagedCluster | None, tolerations: Sequence[Toleration], now: datetime) -> Sighting:
    """How the cluster looks to a Workflow whose Placement has these tolerations."""
    if cluster is None:
        return Sighting(Loss("has left the hub", None))
    deleted = cluster.metadata.deletion_timestamp
    if deleted is not None:
        return Sighting(Loss(f"is being removed from the hub since {deleted}", parsed(deleted)))
    # Decided: a taint NoSelectIfNew keeps new Workflows off, and leaves those that are there alone.
    found = tolerance(cluster.spec.taints, tolerations, decided=True, now=now)
    taint = found.refused
    if taint is None:
        return Sighting(until=found.until)
    since = _time(taint.time_added) if taint.time_added else None
    when = f" since {taint.time_added}" if taint.time_added else ""
    if taint.key in (UNREACHABLE, UNAVAILABLE):
        word = taint.key.rpartition("/")[2]
        return Sighting(Loss(f"is {word}{when}", since))
    return Sighting(Loss(f"has the taint {described(taint)}{when}", since, is_drained=True))


def _time(text: str) -> datetime | None:
    """None for what is no time, or is in the year 0: an API server takes both from whoever may taint a cluster."""
    try:
        found = parsed(text)
    except ValueError:
        return None
    return found if found.year > 1 else None
