"""Expressions that take all the time, all the memory or the whole process, where nothing bounds them."""

from __future__ import annotations

from typing import Any, Final

Json = dict[str, Any]


def doubling(times: int) -> str:
    """A text that doubles so often: 30 times are a gigabyte."""
    inner = f"size(a{times}) > 0"
    for number in range(times, 0, -1):
        inner = f"cel.bind(a{number}, a{number - 1} + a{number - 1}, {inner})"
    return f"cel.bind(a0, 'abcdefgh', {inner})"


def nested_lists(levels: int, length: int, body: str) -> str:
    items = "[" + ", ".join(["1"] * length) + "]"
    for number in range(levels):
        body = f"{items}.all(v{number}, {body})"
    return body


def endless() -> str:
    """20 KB of nested loops over texts: some 20 seconds."""
    return nested_lists(12, 500, f"size('{'x' * 2000}'.replace('x', 'yy')) > 0")


LONG: Final[Json] = {"object": {"s": "x" * 100_000, "l": list(range(90)), "t": "y" * 10_000}}

# (expression, document, words of the error) of those that need a bound.
OVER_A_BOUND: Final[dict[str, tuple[str, Json]]] = {
    "text that doubles 25 times": (doubling(25), {"object": {}}),
    "text that doubles 28 times": (doubling(28), {"object": {}}),
    "a text as long as two texts multiplied": ("size(object.t.replace('y', object.t)) > 0", LONG),
    "a text that grows by ten, again and again": (
        "size('a'" + ".replace('a', 'aaaaaaaaaa')" * 9 + ") > 0",
        LONG,
    ),
    "a long text in each of many items": (
        "object.l.map(a, object.l.map(b, object.s.replace('x', 'yy'))) == []",
        LONG,
    ),
    "20 KB of nested loops over long texts": (
        nested_lists(12, 500, "size(object.s.replace('x', 'y')) > 0"),
        LONG,
    ),
    "a regular expression that takes long": (
        "object.l.exists(a, object.l.exists(b, object.s.matches('(x{0,50}){0,10}(x{0,40}){0,10}z')))",
        LONG,
    ),
}
