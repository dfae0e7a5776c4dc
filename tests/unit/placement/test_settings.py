"""What a user asks for by annotations."""

from __future__ import annotations

from datetime import timedelta

import pytest

from placement.capacity.need import NOTHING, Need
from placement.settings import BadSettingError, Settings, read

STRATEGY = "workflows.argoproj.io/ocm-strategy"
NEED = "workflows.argoproj.io/ocm-need"
FAILOVER = "workflows.argoproj.io/ocm-failover"
AFTER = "workflows.argoproj.io/ocm-failover-after"


@pytest.mark.parametrize(
    ("workflow", "placement", "expected"),
    [
        ({}, {}, Settings("spread", None, False, timedelta(minutes=5))),
        ({STRATEGY: "pack"}, {STRATEGY: "random"}, Settings("pack")),
        ({}, {STRATEGY: "random"}, Settings("random")),
        ({FAILOVER: "wait"}, {FAILOVER: "reschedule"}, Settings()),
        ({}, {FAILOVER: "reschedule"}, Settings(reschedules=True)),
        (
            {FAILOVER: "reschedule", AFTER: "1h30m"},
            {},
            Settings(reschedules=True, after=timedelta(minutes=90)),
        ),
        ({AFTER: "0s"}, {}, Settings(after=timedelta(0))),
        ({NEED: "none"}, {}, Settings(need=NOTHING)),
        ({NEED: "cpu=4, memory=8Gi,pods=10"}, {}, Settings(need=Need(4, 8 * 2**30, 10))),
        ({NEED: "cpu=500m"}, {}, Settings(need=Need(cpu=0.5))),
        ({NEED: "pods=0"}, {}, Settings(need=NOTHING)),
    ],
)
def test_read(workflow: dict[str, str], placement: dict[str, str], expected: Settings) -> None:
    assert read(workflow, placement) == expected


@pytest.mark.parametrize(
    ("annotation", "value", "right"),
    [
        (STRATEGY, "best", "one of spread, scores, random, pack"),
        (FAILOVER, "yes", "one of wait, reschedule"),
        (AFTER, "5 minutes", "a duration such as 90s, 5m or 1h30m"),
        (AFTER, "-5m", "a duration such as"),
        (NEED, "4 cores", "cpu=4,memory=8Gi,pods=10"),
        (NEED, "gpu=1", "cpu=4,memory=8Gi,pods=10"),
        (NEED, "cpu=much", "cpu=4,memory=8Gi,pods=10"),
        (NEED, "cpu=NaN", "cpu=4,memory=8Gi,pods=10"),
        (NEED, "cpu=inf", "cpu=4,memory=8Gi,pods=10"),
        (NEED, "memory=1e400", "cpu=4,memory=8Gi,pods=10"),
        (NEED, "cpu=-1", "cpu=4,memory=8Gi,pods=10"),
        (NEED, "cpu=1,cpu=2", "cpu=4,memory=8Gi,pods=10"),
        (NEED, "cpu=1, memory=1Gi, cpu =1", "cpu=4,memory=8Gi,pods=10"),
        (NEED, "cpu=1,", "cpu=4,memory=8Gi,pods=10"),
        (NEED, "none,cpu=1", "cpu=4,memory=8Gi,pods=10"),
    ],
)
def test_nonsense_is_named_and_what_would_be_right(annotation: str, value: str, right: str) -> None:
    for workflow, placement in (({annotation: value}, {}), ({}, {annotation: value})):
        with pytest.raises(BadSettingError) as error:
            read(workflow, placement)
        assert f"annotation {annotation}: {value!r} is not " in str(error.value)
        assert right in str(error.value)
