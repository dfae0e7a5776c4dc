"""Walks through an object along the segments of a JSONPath, and counts its steps: what is looked at costs one each.

Owns what the parts of a path find, as `k8s.io/client-go/util/jsonpath` has it. Kinder than that where it fails for data
that may still come: an index beyond the end, or a path through a string or a number, finds nothing; and a filter goes
over the values of an object too.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

# Steps of one path: some 50 ms. An object of 1 MB has about as many values.
MOST: Final = 100_000


class TooManySteps(Exception):
    """The walk has used up its steps."""


class Steps:
    """How many a walk may still take."""

    def __init__(self, left: int = MOST) -> None:
        self.left = left

    def spend(self, steps: int = 1) -> None:
        """Raises TooManySteps."""
        self.left -= steps
        if self.left < 0:
            raise TooManySteps


@dataclass(frozen=True)
class Name:
    name: str

    def select(self, node: Any, steps: Steps) -> Iterator[Any]:
        steps.spend()
        if isinstance(node, dict) and self.name in node:
            yield node[self.name]


@dataclass(frozen=True)
class Every:
    def select(self, node: Any, steps: Steps) -> Iterator[Any]:
        for item in _items(node):
            steps.spend()
            yield item


@dataclass(frozen=True)
class Range:
    """An index if `only`, else a slice."""

    part: slice
    only: bool = False

    def select(self, node: Any, steps: Steps) -> Iterator[Any]:
        steps.spend()
        if not isinstance(node, list) or self.part.step == 0:
            return
        if self.only:
            if -len(node) <= self.part.start < len(node):
                yield node[self.part.start]
            return
        for index in range(*self.part.indices(len(node))):
            steps.spend()
            yield node[index]


@dataclass(frozen=True)
class Literal:
    value: str | int | float | bool


@dataclass(frozen=True)
class Filter:
    """`test` "": whether `left` finds anything; else both must find one value each, and compare so."""

    left: Literal | Path
    test: str = ""
    right: Literal | Path | None = None

    def select(self, node: Any, steps: Steps) -> Iterator[Any]:
        for item in _items(node):
            steps.spend()
            if self._passes(item, steps):
                yield item

    def _passes(self, item: Any, steps: Steps) -> bool:
        left = _values(self.left, item, steps)
        if self.right is None:
            return bool(left)
        right = _values(self.right, item, steps)
        return len(left) == len(right) == 1 and _TESTS[self.test](left[0], right[0])


Selector = Name | Every | Range | Filter


@dataclass(frozen=True)
class Segment:
    """What any of the selectors finds; with `descend`, of everything below too."""

    selectors: tuple[Selector, ...]
    descend: bool = False

    def resolve(self, nodes: Iterable[Any], steps: Steps) -> Iterator[Any]:
        for node in nodes:
            for below in _descendants(node, steps) if self.descend else (node,):
                for selector in self.selectors:
                    yield from selector.select(below, steps)


@dataclass(frozen=True)
class Path:
    segments: tuple[Segment, ...]

    def find(self, document: Any, steps: Steps) -> Iterator[Any]:
        """What the path finds, in the object's order. Raises TooManySteps."""
        nodes: Iterable[Any] = (document,)
        for segment in self.segments:
            nodes = segment.resolve(nodes, steps)
        return iter(nodes)


def _items(node: Any) -> Collection[Any]:
    match node:
        case dict():
            return node.values()
        case list():
            return node
    return ()


def _descendants(node: Any, steps: Steps) -> Iterator[Any]:
    """The node itself and what has something in it below, from the top down; without recursion, however deep it is."""
    waiting = [node]
    while waiting:
        found = waiting.pop()
        steps.spend()
        yield found
        items = _items(found)
        steps.spend(len(items))
        waiting.extend(reversed([item for item in items if isinstance(item, dict | list)]))


def _values(operand: Literal | Path, item: Any, steps: Steps) -> list[Any]:
    """At most two: a comparison takes one."""
    if isinstance(operand, Literal):
        return [operand.value]
    found = []
    for value in operand.find(item, steps):
        found.append(value)
        if len(found) > 1:
            break
    return found


def _kind(value: Any) -> str:
    match value:
        case bool():
            return "bool"
        case int() | float():
            return "number"
        case str():
            return "string"
    return ""


def _comparing(compare: Callable[[Any, Any], bool], *kinds: str) -> Callable[[Any, Any], bool]:
    def test(left: Any, right: Any) -> bool:
        return _kind(left) in kinds and _kind(left) == _kind(right) and compare(left, right)

    return test


def _differ(left: Any, right: Any) -> bool:
    return bool(_kind(left) and _kind(right)) and (_kind(left) != _kind(right) or left != right)


_TESTS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "==": _comparing(operator.eq, "bool", "number", "string"),
    "!=": _differ,
    "<": _comparing(operator.lt, "number", "string"),
    "<=": _comparing(operator.le, "number", "string"),
    ">": _comparing(operator.gt, "number", "string"),
    ">=": _comparing(operator.ge, "number", "string"),
}
COMPARISONS: Final = frozenset(_TESTS)
