"""Which parts of an object a CEL expression can look at.

Before CEL is evaluated the object is converted, which costs more than most expressions do: a Workflow's status
may have a megabyte of which a rule reads one word. Owns the proof, from an expression's text, that only some
paths below the variable `object` matter, and the cutting of an object down to them. When in doubt the whole
object stays. Never evaluates anything.

The proof: whatever an expression sees of the object, it gets by mentioning the identifier `object`. A mention
with field selections behind it (`object.status.phase`) yields what is below that path and nothing else;
`has(object.status)` yields only whether the path is there; in `object.status.conditions.exists(...)` the last
name is a function and the path ends before it. Any other mention yields everything. Mentions inside strings
are taken for real ones, which can only keep too much; a comment might split a path, so with `//` all stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

# What is needed of a value: None for all of it, else of its fields those that are named, and no more.
Reach = dict[str, "Reach"] | None

EVERYTHING: Reach = None

_MENTION = re.compile(
    r"(?P<has>\bhas\s*\(\s*)?\bobject\b(?P<path>(?:\s*\.\s*\??\s*[A-Za-z_]\w*)*)(?P<end>\s*[()])?"
)
_NAME = re.compile(r"\w+")


def reach_of(expression: str) -> Reach:
    """The parts of `object` that the expression can look at."""
    if "//" in expression:
        return EVERYTHING
    reach: Reach = {}
    for mention in _MENTION.finditer(expression):
        path = _NAME.findall(mention["path"])
        end = (mention["end"] or "").strip()
        asks_presence = mention["has"] is not None and end == ")" and "?" not in mention["path"]
        if end == "(":
            del path[-1:]
        reach = joined([reach, _along(path, {} if asks_presence else EVERYTHING)])
    return reach


def joined(reaches: Iterable[Reach]) -> Reach:
    """What several expressions together can look at."""
    union: dict[str, Reach] = {}
    for reach in reaches:
        if reach is None:
            return EVERYTHING
        for name, below in reach.items():
            union[name] = joined([union[name], below]) if name in union else below
    return union


def cut(value: Any, reach: Reach) -> Any:
    """The value with only what `reach` names; fields that are absent stay absent, scalars stay."""
    if reach is None:
        return value
    if isinstance(value, dict):
        return {name: cut(value[name], below) for name, below in reach.items() if name in value}
    # A field of a list can't be selected, so its items don't matter.
    return [] if isinstance(value, list) else value


def _along(path: list[str], end: Reach) -> Reach:
    if not path:
        return EVERYTHING
    reach = end
    for name in reversed(path):
        reach = {name: reach}
    return reach
