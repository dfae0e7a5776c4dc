"""How selected clusters are divided into decision groups.

Rules of OCM's placement controller (v1.2.0): named groups take what they match, the first one first; what is left
has no name; each is cut into groups of a length, by name.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from controllers.api.cluster import ManagedCluster
from controllers.api.placement import GroupStrategy
from controllers.misconfigured import Misconfigured
from controllers.selectors import compile_requirements, compile_selector

_FIELD: Final = "spec.decisionStrategy.groupStrategy"


class Group(NamedTuple):
    """`name` is "" for clusters that no named group took; `clusters` are sorted."""

    name: str
    clusters: tuple[str, ...]


def divided(strategy: GroupStrategy, clusters: Sequence[ManagedCluster]) -> tuple[Group, ...]:
    """The groups in the order of their index; at least one, if need be an empty one. Raises Misconfigured."""
    length = _length(strategy.clusters_per_decision_group, len(clusters))
    left = {cluster.metadata.name: cluster for cluster in clusters}
    found: list[Group] = []
    for index, asked in enumerate(strategy.decision_groups):
        where = f"{_FIELD}.decisionGroups[{index}].groupClusterSelector"
        selector = asked.group_cluster_selector
        labels = compile_selector(selector.label_selector, f"{where}.labelSelector")
        claims = compile_requirements(
            selector.claim_selector.match_expressions, f"{where}.claimSelector.matchExpressions"
        )
        taken = [
            name
            for name, cluster in left.items()
            if labels.matches(cluster.metadata.labels) and claims.matches(cluster.claims())
        ]
        for name in taken:
            del left[name]
        found += _cut(asked.group_name, taken, length)
    found += _cut("", left, length)
    return tuple(found) or (Group("", ()),)


def _cut(name: str, clusters: Iterable[str], length: int) -> list[Group]:
    ordered = sorted(clusters)
    return [
        Group(name, tuple(ordered[start : start + length])) for start in range(0, len(ordered), length or 1)
    ]


def _length(asked: int | str, total: int) -> int:
    """Most clusters in one group."""
    if isinstance(asked, int):
        length = asked
    else:
        try:
            share = float(asked.removesuffix("%")) if asked.endswith("%") else math.nan
        except ValueError:
            share = math.nan
        if asked and not math.isfinite(share):
            raise Misconfigured(
                f"{_FIELD}.clustersPerDecisionGroup",
                f"{asked!r} is not a number, nor a percentage such as 25%",
            )
        length = math.ceil(share / 100 * total) if asked else total
    return total if length <= 0 or length > total else length
