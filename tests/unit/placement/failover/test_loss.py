"""When a cluster is lost or drained for a Workflow on it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from controllers.api.cluster import ManagedCluster, ManagedClusterSpec, Taint
from controllers.api.meta import ObjectMeta
from controllers.api.placement_policy import Toleration
from placement.failover.loss import Loss, Sighting, is_suspect, sight

SINCE = "2026-01-01T10:00:00Z"
BEGAN = datetime(2026, 1, 1, 10, tzinfo=UTC)
NOW = BEGAN + timedelta(minutes=1)
OCM = "cluster.open-cluster-management.io"


def cluster(*taints: Taint, deleted: str | None = None) -> ManagedCluster:
    return ManagedCluster(
        metadata=ObjectMeta(name="c1", deletion_timestamp=deleted),
        spec=ManagedClusterSpec(taints=list(taints)),
    )


def taint(key: str, effect: str = "NoSelect", since: str | None = SINCE) -> Taint:
    return Taint(key=key, effect=effect, time_added=since)


UNREACHABLE = taint(f"{OCM}/unreachable")


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (cluster(), None),
        (None, Loss("has left the hub", None)),
        (cluster(deleted=SINCE), Loss(f"is being removed from the hub since {SINCE}", BEGAN)),
        (cluster(UNREACHABLE), Loss(f"is unreachable since {SINCE}", BEGAN)),
        (cluster(taint(f"{OCM}/unavailable")), Loss(f"is unavailable since {SINCE}", BEGAN)),
        (cluster(taint("upgrade")), Loss(f"has the taint upgrade:NoSelect since {SINCE}", BEGAN, True)),
        (cluster(taint("upgrade", since=None)), Loss("has the taint upgrade:NoSelect", None, True)),
        # a time that is none
        (
            cluster(taint("upgrade", since="0000-01-01T00:00:00Z")),
            Loss("has the taint upgrade:NoSelect since 0000-01-01T00:00:00Z", None, True),
        ),
        (cluster(taint(f"{OCM}/unreachable", since="soon")), Loss("is unreachable since soon", None)),
        # those leave what is there alone
        (cluster(taint("cordon", "NoSelectIfNew")), None),
        (cluster(taint("slow", "PreferNoSelect")), None),
    ],
)
def test_loss(found: ManagedCluster | None, expected: Loss | None) -> None:
    assert sight(found, [], NOW).loss == expected
    if expected is not None and found is not None:
        assert is_suspect(found)


def test_what_the_placement_tolerates_is_no_loss() -> None:
    tolerations = [Toleration(key=f"{OCM}/unreachable", operator="Exists")]
    assert sight(cluster(UNREACHABLE), tolerations, NOW) == Sighting()


def test_a_toleration_ends() -> None:
    tolerations = [Toleration(key=f"{OCM}/unreachable", operator="Exists", toleration_seconds=300)]
    ends = BEGAN + timedelta(minutes=5)
    assert sight(cluster(UNREACHABLE), tolerations, NOW) == Sighting(None, ends)
    found = sight(cluster(UNREACHABLE), tolerations, ends).loss
    assert found is not None
    assert found.since == BEGAN
