"""A number that looks random and is the same each time: what is decided by it can be decided again. Pure."""

from __future__ import annotations

import hashlib

_BYTES = 8


def chance(seed: str) -> float:
    """At least 0 and less than 1, evenly spread over seeds."""
    digest = hashlib.blake2b(seed.encode(), digest_size=_BYTES).digest()
    return (int.from_bytes(digest) >> 11) / 2**53
