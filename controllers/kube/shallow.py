"""JSON that is nested more deeply than the decoder goes, cut so that it can be read: what an object is called, and the
items of a list.

The decoder recurses, and an API server accepts 10,000 levels. Only what was refused for that comes here: all is done
by one pass over the bytes, in a loop. The input is valid JSON, as servers write it.
"""

from __future__ import annotations

import re
from typing import Final

# Strings, which may contain brackets, and the brackets themselves.
_TOKEN: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{}]', re.DOTALL)
_OPENING: Final = b"[{"
_CLOSING: Final = b"]}"

# Levels below `metadata` that are kept: an owner reference in its list is the deepest that anybody reads.
_KEPT: Final = 3


def head(document: bytes, *, level: int = 1) -> bytes:
    """`document` up to the end of its `metadata`, and closed behind it; what is nested deeper than an object's metadata
    is empty.

    `level` is how deep the key `metadata` stands: 1 in an object, 2 in an event of a watch. Servers write it before
    the content, so most of a large object is not even scanned.
    """
    parts: list[bytes] = []
    kept, start = level + _KEPT, 0
    depth, key, inside = 0, b"", False
    for token in _TOKEN.finditer(document):
        mark = document[token.start() : token.start() + 1]
        if mark in _OPENING:
            depth += 1
            if depth == level + 1 and key == b'"metadata"':
                inside = True
            if depth == kept + 1:
                parts.append(document[start : token.end()])
        elif mark in _CLOSING:
            if depth == kept + 1:
                start = token.start()
            depth -= 1
            if inside and depth == level:
                parts.append(document[start : token.end()])
                return b"".join(parts) + b"}" * level
        elif depth == level:
            key = token.group()
    return b"".join([*parts, document[start:]])


def split(listed: bytes) -> tuple[list[bytes], bytes]:
    """The items of a list answer, and the answer without them."""
    items: list[bytes] = []
    begun = ended = start = depth = 0
    key, inside = b"", False
    for token in _TOKEN.finditer(listed):
        mark = listed[token.start() : token.start() + 1]
        if mark in _OPENING:
            depth += 1
            if depth == 2 and key == b'"items"':
                inside, begun = True, token.end()
            elif inside and depth == 3:
                start = token.start()
        elif mark in _CLOSING:
            if inside and depth == 3:
                items.append(listed[start : token.end()])
            elif inside and depth == 2:
                inside, ended = False, token.start()
            depth -= 1
        elif depth == 1:
            key = token.group()
    return items, listed[:begun] + listed[ended:] if begun else listed
