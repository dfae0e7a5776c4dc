"""Clusters that fall evenly on zones."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.api.cluster import ManagedCluster
from controllers.api.placement_policy import SpreadConstraint
from controllers.misconfigured import Misconfigured
from placement.evaluator.spread import check, select
from tests.unit.placement.evaluator.build import cluster


def constraint(key: str = "zone", **more: Any) -> SpreadConstraint:
    return msgspec.convert({"topologyKey": key, "topologyKeyType": "Label", **more}, SpreadConstraint)


STRICT = {"whenUnsatisfiable": "DoNotSchedule"}


def zones(text: str) -> dict[str, ManagedCluster]:
    """`a:x b:y c` are clusters a in zone x, b in y, and c in none."""
    found = (word.partition(":") for word in text.split())
    return {name: cluster(name, {"zone": zone} if zone else {}) for name, _, zone in found}


def chosen(text: str, *constraints: SpreadConstraint, limit: int | None = None) -> str:
    clusters = zones(text)
    return "".join(select(list(clusters), clusters, constraints, limit))


@pytest.mark.parametrize(
    ("clusters", "limit", "expected"),
    [
        # the best ones, but not two of a zone before the other zone has one
        ("a:x b:x c:y d:y", 2, "ac"),
        ("a:x b:x c:y d:y", 3, "acb"),
        ("a:x b:x c:y d:y", None, "acbd"),
        # of two zones that are as good the one with the better cluster
        ("a:x b:y c:y d:x", None, "abcd"),
        # y has run out: as even as can be for ScheduleAnyway
        ("a:x b:x c:x d:y", 4, "adbc"),
        # without the label: last
        ("a b:x c:y", 3, "bca"),
        ("a b:x c:y", 1, "b"),
    ],
)
def test_as_even_as_can_be(clusters: str, limit: int | None, expected: str) -> None:
    assert chosen(clusters, constraint(), limit=limit) == expected


@pytest.mark.parametrize(
    ("clusters", "skew", "expected"),
    [
        ("a:x b:x c:x d:y", 1, "adb"),
        ("a:x b:x c:x d:y", 2, "abdc"),
        ("a:x b:y c:y d:x", 2, "abcd"),
        ("a b:x c:y", 1, "bc"),
        ("a b", 1, ""),
    ],
)
def test_never_more_uneven_than_allowed(clusters: str, skew: int, expected: str) -> None:
    assert chosen(clusters, constraint(maxSkew=skew, **STRICT)) == expected


def test_without_constraints_the_best() -> None:
    assert chosen("a:x b:x c:y", limit=2) == "ab"


def test_the_first_constraint_is_the_most_important_one() -> None:
    clusters = {
        name: cluster(name, {"zone": zone, "rack": rack})
        for name, zone, rack in (("a", "x", "1"), ("b", "x", "2"), ("c", "y", "1"))
    }
    by_zone, by_rack = constraint(), constraint("rack")
    assert select(list(clusters), clusters, [by_zone, by_rack], 2) == ["a", "c"]
    assert select(list(clusters), clusters, [by_rack, by_zone], 2) == ["a", "b"]


def test_by_claim() -> None:
    clusters = {
        name: cluster(name, claims={"region": region})
        for name, region in (("a", "eu"), ("b", "eu"), ("c", "us"))
    }
    item = msgspec.structs.replace(constraint("region"), topology_key_type="Claim")
    assert select(list(clusters), clusters, [item], 2) == ["a", "c"]


@pytest.mark.parametrize(
    ("broken", "field", "words"),
    [
        ({"topologyKeyType": "Odd"}, "topologyKeyType", "'Odd' is not Label or Claim"),
        (
            {"whenUnsatisfiable": "Perhaps"},
            "whenUnsatisfiable",
            "'Perhaps' is not DoNotSchedule or ScheduleAnyway",
        ),
        ({"maxSkew": 0}, "maxSkew", "must be at least 1"),
    ],
)
def test_a_constraint_that_means_nothing_is_named(broken: dict[str, Any], field: str, words: str) -> None:
    with pytest.raises(Misconfigured) as raised:
        check([constraint(), constraint(**broken)])
    assert raised.value.field == f"spec.spreadPolicy.spreadConstraints[1].{field}"
    assert str(raised.value).endswith(f"spreadConstraints[1].{field}: {words}")


hubs = st.lists(st.sampled_from(["", "x", "y", "z"]), max_size=20).map(
    lambda found: zones(" ".join(f"c{number:02}:{zone}" for number, zone in enumerate(found)))
)


@given(hubs, st.integers(1, 3), st.none() | st.integers(0, 25))
def test_the_skew_is_kept(clusters: dict[str, ManagedCluster], skew: int, limit: int | None) -> None:
    names = select(list(clusters), clusters, [constraint(maxSkew=skew, **STRICT)], limit)
    assert len(set(names)) == len(names) <= (len(clusters) if limit is None else limit)
    there = {item.metadata.labels.get("zone") for item in clusters.values()} - {None}
    counts = Counter(clusters[name].metadata.labels["zone"] for name in names)
    if there:
        assert max(counts.values(), default=0) - min(counts[zone] for zone in there if zone) <= skew


@given(hubs, st.none() | st.integers(0, 25))
def test_a_wish_leaves_nobody_out(clusters: dict[str, ManagedCluster], limit: int | None) -> None:
    names = select(list(clusters), clusters, [constraint()], limit)
    assert len(names) == (len(clusters) if limit is None else min(limit, len(clusters)))
