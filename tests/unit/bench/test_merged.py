"""A part of the benchmark that is run anew takes the place of what was measured before."""

from __future__ import annotations

import msgspec

from hack.bench.results import merged
from tests.unit.bench.builders import growth, replicas, result, trip


def test_what_was_not_measured_anew_stays_in_its_place() -> None:
    old = result(
        revision="old",
        trips=[trip("a", hub_writes=1.0), trip("b", hub_writes=2.0)],
        growth=[growth("x", 1), growth("x", 2)],
        replicas=[replicas(1), replicas(2)],
        failures=["x was not measured"],
        minutes=3.0,
    )
    fresh = growth("x", 2, trip=trip("anew"))
    new = result(
        revision="new", trips=[trip("b", hub_writes=9.0), trip("c")], ceilings=[], growth=[fresh], minutes=1.5
    )
    found = merged(old, new)
    assert [(item.name, item.hub_writes) for item in found.trips] == [("a", 1.0), ("b", 9.0), ("c", 12.0)]
    assert found.growth == [old.growth[0], fresh]
    assert found.replicas == old.replicas
    assert found.ceilings == old.ceilings
    assert (found.revision, found.minutes, found.failures) == ("old and new", 4.5, ["x was not measured"])
    assert merged(old, msgspec.structs.replace(new, revision="old")).revision == "old"
