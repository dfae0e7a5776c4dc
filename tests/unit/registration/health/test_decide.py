"""When a cluster counts as lost, and what its ManagedCluster says then."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from controllers.api.cluster import ACCEPTED, AVAILABLE, UNAVAILABLE, UNREACHABLE, ManagedCluster
from controllers.api.conditions import find
from registration.health.decide import Health, Pulse, judge

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
STAMP = "2026-11-21T12:00:00Z"
EARLIER = "2026-11-21T09:00:00Z"


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def cluster(
    *,
    accepts: bool = True,
    accepted: bool | None = True,
    available: str | None = "True",
    taints: Any = (),
    lease: int = 60,
) -> ManagedCluster:
    conditions = []
    if accepted is not None:
        reason = "HubClusterAdminAccepted" if accepted else "HubClusterAdminDenied"
        message = "Accepted by hub cluster admin" if accepted else "Denied by hub cluster admin"
        conditions.append({"type": ACCEPTED, "status": str(accepted), "reason": reason, "message": message})
    if available is not None:
        conditions.append({"type": AVAILABLE, "status": available, "reason": "Said", "message": ""})
    for item in conditions:
        item["lastTransitionTime"] = EARLIER
    return msgspec.convert(
        {
            "metadata": {"name": "c1"},
            "spec": {"hubAcceptsClient": accepts, "leaseDurationSeconds": lease, "taints": list(taints)},
            "status": {"conditions": conditions},
        },
        ManagedCluster,
    )


ALIVE = Pulse(since=ago(3600), renewed=ago(10))
DEAD = Pulse(since=ago(3600), renewed=ago(300))


def available(health: Health) -> str | None:
    found = find(health.conditions, AVAILABLE)
    return found.status if found else None


def tainted(health: Health) -> list[str]:
    return [item.key for item in health.taints]


def test_a_cluster_that_is_well_is_left_as_it_is() -> None:
    item = cluster()
    health = judge(item, ALIVE, NOW)
    assert health.conditions == item.status.conditions
    assert health.taints == []
    assert health.due == NOW + timedelta(seconds=290)


@pytest.mark.parametrize(
    ("pulse", "lease", "lost"),
    [
        (Pulse(since=ago(3600), renewed=ago(299)), 60, False),
        (Pulse(since=ago(3600), renewed=ago(300)), 60, True),
        # 60 is meant
        (Pulse(since=ago(3600), renewed=ago(299)), 0, False),
        (Pulse(since=ago(3600), renewed=ago(300)), 0, True),
        (Pulse(since=ago(3600), renewed=ago(300)), 120, False),
        # its clock is an hour behind: what counts is that the lease was seen to move
        (Pulse(since=ago(3600), renewed=ago(3600), heard=ago(299)), 60, False),
        (Pulse(since=ago(3600), renewed=ago(3600), heard=ago(300)), 60, True),
        # this process has just started and may not have seen it move yet
        (Pulse(since=ago(119), renewed=ago(3600)), 60, False),
        (Pulse(since=ago(120), renewed=ago(3600)), 60, True),
        # no lease at all
        (Pulse(since=ago(299)), 60, False),
        (Pulse(since=ago(300)), 60, True),
    ],
)
def test_lost_after_five_durations_without_a_renewal(pulse: Pulse, lease: int, lost: bool) -> None:
    health = judge(cluster(lease=lease), pulse, NOW)
    assert available(health) == ("Unknown" if lost else "True")
    assert tainted(health) == ([UNREACHABLE] if lost else [])
    assert (health.due is None) is lost


def test_what_a_lost_cluster_says() -> None:
    health = judge(cluster(), DEAD, NOW)
    found = find(health.conditions, AVAILABLE)
    assert found is not None
    assert (found.reason, found.message, found.last_transition_time) == (
        "ManagedClusterLeaseUpdateStopped",
        "Registration agent stopped updating its lease.",
        STAMP,
    )
    (taint,) = health.taints
    assert (taint.key, taint.effect, taint.time_added) == (UNREACHABLE, "NoSelect", STAMP)


def test_judged_again_nothing_moves() -> None:
    first = judge(cluster(), DEAD, NOW)
    lost = msgspec.structs.replace(
        cluster(),
        spec=msgspec.structs.replace(cluster().spec, taints=list(first.taints)),
        status=msgspec.structs.replace(cluster().status, conditions=list(first.conditions)),
    )
    again = judge(lost, DEAD, NOW + timedelta(hours=1))
    assert (again.conditions, again.taints) == (first.conditions, first.taints)


OURS = [{"key": UNREACHABLE, "effect": "NoSelect", "timeAdded": EARLIER}]
UNAVAILABLE_NOW = [{"key": UNAVAILABLE, "effect": "NoSelect", "timeAdded": EARLIER}]
OTHER = {"key": "gpu", "value": "yes", "effect": "NoSelect"}


@pytest.mark.parametrize(
    ("said", "before", "after"),
    [
        ("True", [], []),
        ("True", OURS, []),
        ("True", [OTHER, *OURS], ["gpu"]),
        ("False", [OTHER], ["gpu", UNAVAILABLE]),
        ("False", OURS, [UNAVAILABLE]),
        ("True", UNAVAILABLE_NOW, []),
        ("Unknown", [OTHER], ["gpu", UNREACHABLE]),
        ("Unknown", UNAVAILABLE_NOW, [UNREACHABLE]),
        (None, [], [UNREACHABLE]),  # nothing was ever heard of it
        (None, OURS, [UNREACHABLE]),
    ],
)
def test_taints_follow_what_the_cluster_says(said: str | None, before: list[Any], after: list[str]) -> None:
    assert tainted(judge(cluster(available=said, taints=before), ALIVE, NOW)) == after


def test_a_taint_keeps_the_time_it_was_added() -> None:
    (taint,) = judge(cluster(available="Unknown", taints=OURS), ALIVE, NOW).taints
    assert taint.time_added == EARLIER


def test_a_cluster_that_was_never_let_in_is_not_looked_after_and_not_selected() -> None:
    health = judge(cluster(accepts=False, accepted=None, available=None), Pulse(since=ago(9999)), NOW)
    assert health.conditions == []
    assert tainted(health) == [UNREACHABLE]
    assert health.due is None


def test_a_cluster_that_is_let_in_says_so() -> None:
    found = find(judge(cluster(accepted=None), ALIVE, NOW).conditions, ACCEPTED)
    assert found is not None
    assert (found.status, found.reason, found.message) == (
        "True",
        "HubClusterAdminAccepted",
        "Accepted by hub cluster admin",
    )


def test_a_cluster_that_is_not_let_in_any_more_is_not_selected_whatever_it_says() -> None:
    health = judge(cluster(accepts=False), ALIVE, NOW)
    found = find(health.conditions, ACCEPTED)
    assert found is not None
    assert (found.status, found.reason, found.message) == (
        "False",
        "HubClusterAdminDenied",
        "Denied by hub cluster admin",
    )
    assert available(health) == "True", "that is for its agent to say"
    assert tainted(health) == [UNREACHABLE]
