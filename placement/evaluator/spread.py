"""Which clusters are taken so that they fall evenly on zones, regions, or whatever a label or a claim says.

`spec.spreadPolicy` of the OCM API, which OCM itself does not act upon. It means what topologySpreadConstraints of a Pod
mean: no value of the key may have over maxSkew clusters more than the value with the fewest, among the values that
the clusters to choose from have. Of several constraints the first is the most important one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Final

from controllers.api.cluster import ManagedCluster
from controllers.api.placement_policy import SpreadConstraint
from controllers.misconfigured import Misconfigured

_FIELD: Final = "spec.spreadPolicy.spreadConstraints"
_MUST: Final = "DoNotSchedule"

# What a cluster says to each constraint; None: it has no such label or claim.
_Values = tuple[str | None, ...]


def check(constraints: Sequence[SpreadConstraint]) -> None:
    """Raises Misconfigured for a constraint that means nothing."""
    for index, item in enumerate(constraints):
        where = f"{_FIELD}[{index}]"
        if item.topology_key_type not in ("Label", "Claim"):
            raise Misconfigured(
                f"{where}.topologyKeyType", f"{item.topology_key_type!r} is not Label or Claim"
            )
        if item.when_unsatisfiable not in (_MUST, "ScheduleAnyway"):
            raise Misconfigured(
                f"{where}.whenUnsatisfiable",
                f"{item.when_unsatisfiable!r} is not DoNotSchedule or ScheduleAnyway",
            )
        if item.max_skew < 1:
            raise Misconfigured(f"{where}.maxSkew", "must be at least 1")


def select(
    ranked: Sequence[str],
    clusters: Mapping[str, ManagedCluster],
    constraints: Sequence[SpreadConstraint],
    limit: int | None,
) -> list[str]:
    """At most `limit` of the `ranked` clusters, the best ones that the constraints allow, in the order of choice.

    One after the other the best cluster is taken that violates no constraint; if there is none, one that violates only
    less important ones, and never one that must not be violated.
    """
    count = len(ranked) if limit is None else min(limit, len(ranked))
    if not constraints:
        return list(ranked[:count])
    queues: dict[_Values, deque[tuple[int, str]]] = {}
    for place, name in enumerate(ranked):
        values = tuple(_value(clusters[name], item) for item in constraints)
        queues.setdefault(values, deque()).append((place, name))
    counts = [
        {values[index]: 0 for values in queues if values[index] is not None}
        for index in range(len(constraints))
    ]
    chosen: list[str] = []
    while len(chosen) < count:
        best = min(
            (
                (violations, queue[0], values)
                for values, queue in queues.items()
                if queue and (violations := _violations(values, counts, constraints)) is not None
            ),
            key=lambda item: item[:2],
            default=None,
        )
        if best is None:
            break
        _, (_, name), values = best
        queues[values].popleft()
        for by_value, value in zip(counts, values, strict=True):
            if value is not None:
                by_value[value] += 1
        chosen.append(name)
    return chosen


def _violations(
    values: _Values, counts: Sequence[Mapping[str | None, int]], constraints: Sequence[SpreadConstraint]
) -> tuple[bool, ...] | None:
    """For each constraint whether one more cluster of these values violates it; None if that must not be."""
    found = []
    for value, by_value, item in zip(values, counts, constraints, strict=True):
        violated = value is None or by_value[value] + 1 - min(by_value.values()) > item.max_skew
        if violated and item.when_unsatisfiable == _MUST:
            return None
        found.append(violated)
    return tuple(found)


def _value(cluster: ManagedCluster, item: SpreadConstraint) -> str | None:
    if item.topology_key_type == "Claim":
        return cluster.claims().get(item.topology_key)
    return cluster.metadata.labels.get(item.topology_key)
