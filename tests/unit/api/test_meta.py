"""Times as API servers take them, which is more than calendars have."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from controllers.api.meta import parsed

EARLIEST, LATEST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-28T08:00:00Z", datetime(2026, 11, 28, 8, tzinfo=UTC)),
        ("2026-11-28T08:00:00.123456Z", datetime(2026, 11, 28, 8, 0, 0, 123456, tzinfo=UTC)),
        ("2026-11-28T08:00:00.123456789+02:00", datetime(2026, 11, 28, 6, 0, 0, 123456, tzinfo=UTC)),
        ("2026-11-28T08:00:00", datetime(2026, 11, 28, 8, tzinfo=UTC)),
        ("0000-01-01T00:00:00Z", EARLIEST),
        ("0000-12-31T23:59:59.999999-14:00", EARLIEST),
        ("0001-01-01T00:00:00+14:00", EARLIEST),
        ("9999-12-31T23:59:59-14:00", LATEST),
    ],
)
def test_a_time_is_one_of_utc_and_the_earliest_or_latest_where_there_is_none(
    text: str, expected: datetime
) -> None:
    assert parsed(text) == expected
    assert parsed(text).tzinfo is UTC


@pytest.mark.parametrize("text", ["", "now", "0000-", "0000-13-01T00:00:00Z", "2026-11-31", "[]"])
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parsed(text)
