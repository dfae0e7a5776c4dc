"""JSON that is nested more deeply than the decoder goes, cut so that it can be read: what an object is called, and the
items of a list.

The decoder recurses, and an API server accepts 10,000 levels. Only what was refused for that comes here: all is done
by one pass over the bytes, in a loop. The input is valid JSON, as servers write it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

# Up to the next bracket and with it, over strings, which may contain brackets, and over what is empty.
_STEP: Final = re.compile(rb'(?:[^"\[\]{}]++|"(?:[^"\\]++|\\.)*+"|\{\}|\[\])*+[\[\]{}]', re.DOTALL)
_OPENING: Final = (b"[", b"{")

# Levels below `metadata` that are kept: an owner reference in its list is the deepest that anybody reads.
_KEPT: Final = 3


def _steps(document: bytes) -> Iterator[tuple[int, int, bool]]:
    """(position behind a bracket, level inside of what it opens or closes, whether it opens)."""
    depth = end = 0
    while (found := _STEP.match(document, end)) is not None:
        end = found.end()
        opens = document[end - 1 : end] in _OPENING
        if opens:
            depth += 1
        yield end, depth, opens
        if not opens:
            depth -= 1


def _is_under(key: bytes, document: bytes, end: int) -> bool:
    """Whether what the bracket in front of `end` opens is the value of `key`."""
    before = document[max(0, end - len(key) - 10) : end - 1].rstrip().removesuffix(b":").rstrip()
    # A quote behind a backslash stands inside a longer key.
    return before.endswith(key) and not before.removesuffix(key).endswith(b"\\")


def head(document: bytes, *, level: int = 1) -> bytes:
    """`document` up to the end of its `metadata`, and closed behind it; what is nested deeper than an object's metadata
    is empty.

    `level` is how deep the key `metadata` stands: 1 in an object, 2 in an event of a watch. Servers write it before
    the content, so most of a large object is not even scanned.
    """
    parts: list[bytes] = []
    kept, start, inside = level + _KEPT, 0, False
    for end, depth, opens in _steps(document):
        if opens and depth == level + 1 and _is_under(b'"metadata"', document, end):
            inside = True
        if depth == kept + 1:
            if opens:
                parts.append(document[start:end])
            else:
                start = end - 1
        elif inside and not opens and depth == level + 1:
            parts.append(document[start:end])
            return b"".join(parts) + b"}" * level
    return b"".join([*parts, document[start:]])


def split(listed: bytes) -> tuple[list[bytes], bytes]:
    """The items of a list answer, and the answer without them."""
    items: list[bytes] = []
    begun = ended = start = 0
    inside = False
    for end, depth, opens in _steps(listed):
        if depth == 2 and opens and _is_under(b'"items"', listed, end):
            inside, begun = True, end
        elif depth == 2 and inside:
            inside, ended = False, end - 1
        elif depth == 3 and inside and opens:
            start = end - 1
        elif depth == 3 and inside:
            items.append(listed[start:end])
    return items, listed[:begun] + listed[ended:] if begun else listed
