"""Taints and tolerations, against OCM's rules."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.api.cluster import Taint
from controllers.api.placement_policy import Toleration
from controllers.misconfigured import Misconfigured
from placement.evaluator.taints import check, described, tolerance
from tests.unit.placement.evaluator.build import NOW, taint

MINUTE_AGO = "2026-11-21T11:59:00Z"


def taints(*items: dict[str, Any]) -> list[Taint]:
    return msgspec.convert(list(items), list[Taint])


def tolerations(*items: dict[str, Any]) -> list[Toleration]:
    return msgspec.convert(list(items), list[Toleration])


EXISTS = {"key": "k", "operator": "Exists"}


@pytest.mark.parametrize(
    ("tainted", "tolerated", "decided", "passes"),
    [
        ([], [], False, True),
        ([taint("k")], [], False, False),
        ([taint("k")], [], True, False),
        # effects
        ([taint("k", "PreferNoSelect")], [], False, True),
        ([taint("k", "NoSelectIfNew")], [], False, False),
        ([taint("k", "NoSelectIfNew")], [], True, True),
        ([taint("k", "NoSelectIfNew")], [EXISTS], False, True),
        ([taint("k")], [{**EXISTS, "effect": "NoSelect"}], False, True),
        ([taint("k")], [{**EXISTS, "effect": "NoSelectIfNew"}], False, False),
        # operators: an empty one is Equal, an empty key with Exists is every key
        ([taint("k", value="v")], [{"key": "k", "value": "v"}], False, True),
        ([taint("k", value="v")], [{"key": "k", "operator": "", "value": "v"}], False, True),
        ([taint("k", value="v")], [{"key": "k", "operator": "Equal", "value": "w"}], False, False),
        ([taint("k", value="v")], [{"key": "k"}], False, False),
        ([taint("k", value="v")], [EXISTS], False, True),
        ([taint("k", value="v")], [{"operator": "Exists"}], False, True),
        ([taint("k")], [{"key": "other", "operator": "Exists"}], False, False),
        # all taints must be tolerated, each by any toleration
        ([taint("k"), taint("l")], [EXISTS], False, False),
        ([taint("k"), taint("l")], [EXISTS, {"key": "l"}], False, True),
    ],
)
def test_what_passes(
    tainted: list[dict[str, Any]], tolerated: list[dict[str, Any]], decided: bool, passes: bool
) -> None:
    found = tolerance(taints(*tainted), tolerations(*tolerated), decided=decided, now=NOW)
    assert (found.refused is None) is passes


@pytest.mark.parametrize(
    ("seconds", "added", "until"),
    [
        (90, MINUTE_AGO, NOW + timedelta(seconds=30)),
        (60, MINUTE_AGO, None),
        (0, MINUTE_AGO, None),
        (-5, MINUTE_AGO, None),
        (90, None, None),  # without timeAdded it has never begun
    ],
)
def test_a_toleration_lasts_from_time_added(seconds: int, added: str | None, until: datetime | None) -> None:
    limited = {**EXISTS, "tolerationSeconds": seconds}
    found = tolerance(taints(taint("k", added=added)), tolerations(limited), decided=False, now=NOW)
    assert found.until == until
    assert (found.refused is None) is (until is not None)


def test_of_several_tolerations_the_longest_counts_and_of_several_taints_the_first_to_end() -> None:
    short, long = ({**EXISTS, "tolerationSeconds": seconds} for seconds in (70, 120))
    other = {"key": "l", "tolerationSeconds": 100}
    both = taints(taint("k", added=MINUTE_AGO), taint("l", added=MINUTE_AGO))
    assert tolerance(both, tolerations(short, long, other), decided=False, now=NOW).until == NOW + timedelta(
        seconds=40
    )
    assert tolerance(both[:1], tolerations(short, EXISTS), decided=False, now=NOW).until is None


def test_a_toleration_of_many_ages_lasts_for_ever() -> None:
    found = tolerance(
        taints(taint("k", added=MINUTE_AGO)),
        tolerations({**EXISTS, "tolerationSeconds": 2**62}),
        decided=False,
        now=NOW,
    )
    assert (found.refused, found.until) == (None, None)


@pytest.mark.parametrize(
    ("broken", "field", "words"),
    [
        ({"operator": "Equal"}, "operator", "If the key is empty, operator must be Exists."),
        ({}, "operator", "If the key is empty, operator must be Exists."),
        ({**EXISTS, "value": "v"}, "value", "If the operator is Exists, the value should be empty."),
        ({"key": "k", "operator": "Near"}, "operator", "'Near' is not Equal or Exists"),
    ],
)
def test_a_toleration_that_means_nothing_is_named(broken: dict[str, Any], field: str, words: str) -> None:
    with pytest.raises(Misconfigured) as raised:
        check(tolerations(EXISTS, broken))
    assert (raised.value.field, raised.value.problem) == (f"spec.tolerations[1].{field}", words)


def test_a_taint_is_written_as_kubectl_does() -> None:
    plain, valued = taints(taint("k"), taint("k", "NoSelectIfNew", value="v"))
    assert (described(plain), described(valued)) == ("k:NoSelect", "k=v:NoSelectIfNew")


keys = st.sampled_from(["a", "b"])
some_taints = st.lists(
    st.builds(taint, keys, st.sampled_from(["NoSelect", "NoSelectIfNew", "PreferNoSelect"])), max_size=3
)


@given(some_taints, st.lists(st.builds(lambda key: {"key": key, "operator": "Exists"}, keys), max_size=2))
def test_one_more_toleration_never_refuses_more(
    tainted: list[dict[str, Any]], tolerated: list[dict[str, Any]]
) -> None:
    everything = [*tolerated, {"operator": "Exists"}]
    fewer = tolerance(taints(*tainted), tolerations(*tolerated), decided=False, now=NOW)
    assert tolerance(taints(*tainted), tolerations(*everything), decided=False, now=NOW).refused is None
    if fewer.refused is None:
        assert tolerance(taints(*tainted), tolerations(*tolerated), decided=True, now=NOW).refused is None
