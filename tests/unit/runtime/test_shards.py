"""Who takes which shard: every one has an owner, the shares are even, and what is even stays as it is."""

from __future__ import annotations

import random
import subprocess
import sys
from collections import Counter

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from controllers.runtime.shards import Moves, moves, quotas, shard_of

NAMES = "abcdef"
MEMBERS = st.sets(st.sampled_from(NAMES), min_size=1)
# Holders may be replicas that are not alive ("x", "y"), and nobody.
HOLDERS = st.lists(st.sampled_from(["", "x", "y", *NAMES]), min_size=1, max_size=24)


@pytest.mark.parametrize(
    ("namespace", "count", "shard"),
    [("", 1, 0), ("argo", 1, 0), ("", 8, 4), ("argo", 8, 4), ("argo", 3, 2), ("team-a", 8, 6), ("ü", 8, 7)],
)
def test_the_shard_of_a_namespace_never_changes(namespace: str, count: int, shard: int) -> None:
    assert shard_of(namespace, count) == shard


def test_it_is_the_same_in_a_process_with_another_hash_seed() -> None:
    program = (
        "from controllers.runtime.shards import shard_of; print([shard_of(f'n{i}', 7) for i in range(50)])"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert said == {f"{[shard_of(f'n{number}', 7) for number in range(50)]}\n"}


@pytest.mark.parametrize("count", [2, 3, 4, 8, 16])
def test_namespaces_with_names_alike_spread_evenly(count: int) -> None:
    sizes = Counter(shard_of(f"team-{number}", count) for number in range(10_000))
    assert len(sizes) == count
    assert max(sizes.values()) < 1.2 * min(sizes.values())


@pytest.mark.parametrize(
    ("holders", "members", "expected"),
    [
        pytest.param([""] * 3, "a", {"a": Moves(take=(0, 1, 2))}, id="alone"),
        pytest.param(
            [""] * 4, "ab", {"a": Moves(take=(0, 1)), "b": Moves(take=(2, 3))}, id="two begin together"
        ),
        pytest.param(list("aaaa"), "ab", {"a": Moves(give=(2, 3)), "b": Moves()}, id="one comes"),
        pytest.param(["a", "a", "", ""], "ab", {"a": Moves(), "b": Moves(take=(2, 3))}, id="and takes"),
        pytest.param(["a", "a", "x", "x"], "a", {"a": Moves()}, id="what a dead one still holds is not free"),
        pytest.param(["a", "a", "", "x"], "a", {"a": Moves(take=(2,))}, id="until its lease runs out"),
        pytest.param(
            list("aabb"),
            "abc",
            {"a": Moves(), "b": Moves(give=(3,)), "c": Moves()},
            id="4 among 3: nobody gets none",
        ),
        pytest.param(
            list("ab"), "abc", {"a": Moves(), "b": Moves(), "c": Moves()}, id="one too many stands by"
        ),
        pytest.param(list("aab"), "ab", {"a": Moves(), "b": Moves()}, id="the remainder stays where it is"),
        pytest.param(list("abb"), "ab", {"a": Moves(), "b": Moves()}, id="with whomever it is"),
        pytest.param(["", "b", "b"], "ab", {"a": Moves(take=(0,)), "b": Moves()}, id="one leaves"),
    ],
)
def test_moves(holders: list[str], members: str, expected: dict[str, Moves]) -> None:
    assert {member: moves(holders, set(members), member) for member in members} == expected


@given(holders=HOLDERS, members=MEMBERS)
def test_quotas_are_even_and_cover_all(holders: list[str], members: set[str]) -> None:
    quota = quotas(holders, members)
    assert quota.keys() == members
    assert sum(quota.values()) == len(holders)
    assert max(quota.values()) - min(quota.values()) <= 1


@given(holders=HOLDERS, members=MEMBERS)
def test_every_free_shard_is_wanted_by_exactly_one_and_nobody_goes_above_its_share(
    holders: list[str], members: set[str]
) -> None:
    quota = quotas(holders, members)
    wanted: list[int] = []
    for member in members:
        todo = moves(holders, members, member)
        wanted += todo.take
        assert all(holders[shard] == "" for shard in todo.take)
        assert all(holders[shard] == member for shard in todo.give)
        after = holders.count(member) + len(todo.take) - len(todo.give)
        assert after <= quota[member]
        assert not (todo.take and todo.give)
    assert sorted(wanted) == [shard for shard, holder in enumerate(holders) if not holder]


@given(holders=HOLDERS, members=MEMBERS, seed=st.integers(0, 1000))
@example(holders=[*"aaaccc"], members=set("abcde"), seed=365)
def test_it_settles_after_each_has_acted_thrice_and_then_nothing_moves(
    holders: list[str], members: set[str], seed: int
) -> None:
    """The dead ones' leases have run out. Each acts on what it sees then, in any order.

    A third time, since the remainder is for those who hold the most: a first step may hand it to somebody else.
    """
    state = [holder if holder in members else "" for holder in holders]
    for round_number in range(4):
        order = sorted(members)
        random.Random(seed + round_number).shuffle(order)
        before = list(state)
        for member in order:
            todo = moves(state, members, member)
            for shard in todo.take:
                state[shard] = member
            for shard in todo.give:
                state[shard] = ""
    assert state == before, "the fourth round has changed something"
    counts = [state.count(member) for member in members]
    assert set(state) <= members
    assert max(counts) - min(counts) <= 1


@given(holders=HOLDERS, members=MEMBERS, newcomer=st.sampled_from("gh"))
def test_a_newcomer_costs_no_more_moves_than_its_own_share(
    holders: list[str], members: set[str], newcomer: str
) -> None:
    """From any even state."""
    order = sorted(members)
    state = [order[number % len(order)] for number in range(len(holders))]
    together = members | {newcomer}
    given_away = sum(len(moves(state, together, member).give) for member in members)
    assert given_away == quotas(state, together)[newcomer]
