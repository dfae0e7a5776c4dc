"""Patterns in which `*` stands for any run of characters, also for none, and every other character for itself."""

from __future__ import annotations

import functools
import re


def fits(pattern: str, text: str) -> bool:
    """Whether the whole of `text` is as `pattern` says."""
    if "*" not in pattern:
        return pattern == text
    return _compiled(pattern).fullmatch(text) is not None


@functools.lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in pattern.split("*")))
