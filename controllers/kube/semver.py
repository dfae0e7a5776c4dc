"""Semantic versions 2.0.0 (semver.org), which compare by their precedence."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from controllers.api.echo import echoed

# Longer ones are no versions of anything, and their numbers may have more digits than Python reads.
_LONGEST: Final = 1000

_VERSION = re.compile(
    r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)"
    r"(?:-((?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?"
    r"(?:\+[0-9a-zA-Z.-]+)?"
)
_LOOSE = re.compile(r"v?0*(\d+)(?:\.0*(\d+))?(?:\.0*(\d+))?(.*)", re.DOTALL)


class Version(NamedTuple):
    """A semantic version 2.0.0; compares as one. `before_release` holds (is text, number, text) per identifier."""

    major: int
    minor: int
    patch: int
    is_release: bool
    before_release: tuple[tuple[bool, int, str], ...]


def version(text: str) -> Version:
    """Raises ValueError for text that is no semantic version."""
    found = _VERSION.fullmatch(text) if len(text) <= _LONGEST else None
    if found is None:
        raise ValueError(f"{echoed(text)!r} is no semantic version")
    parts = found[4].split(".") if found[4] else []
    identifiers = tuple((False, int(one), "") if one.isdigit() else (True, 0, one) for one in parts)
    return Version(int(found[1]), int(found[2]), int(found[3]), not parts, identifiers)


def normalized(text: str) -> str:
    """`text` with a leading v, missing parts and leading zeros put right, as `semver(text, true)` of Kubernetes' CEL
    reads it. Text that is nothing like a version stays as it is."""
    found = _LOOSE.fullmatch(text)
    if found is None or len(text) > _LONGEST:
        return text
    return f"{int(found[1])}.{int(found[2] or 0)}.{int(found[3] or 0)}{found[4]}"
