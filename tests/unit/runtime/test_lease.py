"""Who may take a lease, and which timings cannot be safe."""

from __future__ import annotations

import pytest

from controllers.runtime.lease import LeaseTiming, Observation, may_acquire


@pytest.mark.parametrize(
    ("seen", "now", "allowed"),
    [
        pytest.param(None, 0.0, True, id="there is no lease"),
        pytest.param(Observation("", "1", 0.0), 0.0, True, id="it was released"),
        pytest.param(Observation("us", "1", 0.0), 0.0, True, id="it is ours"),
        pytest.param(Observation("them", "1", 100.0), 114.9, False, id="somebody holds it"),
        pytest.param(Observation("them", "1", 100.0), 115.0, True, id="unchanged for its duration"),
    ],
)
def test_a_lease_may_be_taken(seen: Observation | None, now: float, *, allowed: bool) -> None:
    assert may_acquire(seen, "us", 15.0, now) is allowed


@pytest.mark.parametrize(
    ("duration", "deadline", "retry"), [(10, 10, 2), (15, 2, 2), (15, 10, 0), (15, 10, -1), (5, 10, 2)]
)
def test_timings_that_could_leave_two_leaders_are_refused(
    duration: float, deadline: float, retry: float
) -> None:
    with pytest.raises(ValueError, match="duration > renew_deadline > retry > 0"):
        LeaseTiming(duration=duration, renew_deadline=deadline, retry=retry)
