"""The time, for who is given a clock."""

from __future__ import annotations

import datetime


def now() -> datetime.datetime:
    """Aware, in UTC."""
    return datetime.datetime.now(datetime.UTC)
