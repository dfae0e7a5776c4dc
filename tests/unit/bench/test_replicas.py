"""When the shards are shared: each is held by somebody who lives, and nobody has two more than another."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from hack.bench.replicas import is_balanced, shard_holders

NOW = datetime.datetime(2026, 11, 21, 12, 0, tzinfo=datetime.UTC)


def lease(
    name: str, holder: str | None = "a", renewed: str | None = "2026-11-21T11:59:50.000000Z"
) -> dict[str, Any]:
    spec: dict[str, Any] = {"holderIdentity": holder, "leaseDurationSeconds": 15}
    return {"metadata": {"name": name}, "spec": spec | ({"renewTime": renewed} if renewed else {})}


@pytest.mark.parametrize(
    ("found", "holder"),
    [
        (lease("argosy-controllers-shard-0"), "a"),
        (lease("argosy-controllers-shard-0", holder=None), ""),
        (lease("argosy-controllers-shard-0", holder=""), ""),
        (lease("argosy-controllers-shard-0", renewed="2026-11-21T11:59:44.000000Z"), ""),
        (lease("argosy-controllers-shard-0", renewed=None), ""),
        (lease("argosy-controllers"), None),
        (lease("argosy-controllers-replica"), None),
    ],
)
def test_who_holds_a_shard(found: dict[str, Any], holder: str | None) -> None:
    expected = {} if holder is None else {"argosy-controllers-shard-0": holder}
    assert shard_holders([found], NOW) == expected


@pytest.mark.parametrize(
    ("holders", "wanted", "balanced"),
    [
        ("aaaa", 1, True),
        ("aaab", 1, False),
        ("aabb", 2, True),
        ("abab", 2, True),
        ("aaab", 2, False),
        ("aaaa", 2, False),
        ("aab", 2, False),
        ("aab-", 2, False),
        ("aabc", 3, True),
        ("abcd", 4, True),
        ("abcc", 4, False),
        ("abcd", 6, True),
        ("", 1, False),
    ],
)
def test_is_balanced(holders: str, wanted: int, balanced: bool) -> None:
    """One letter per shard, `-` for one that nobody holds."""
    found = {f"shard-{number}": holder.strip("-") for number, holder in enumerate(holders)}
    assert is_balanced(found, wanted, 4) == balanced
