"""kubectl's JSONPath, as feedback rules are written in.

Owns the notation, which is that of the parser in `k8s.io/client-go/util/jsonpath`: names end at a dot or a
bracket and may hold anything else (`.my-field`, `.a\\.b/c`), quoted names in brackets split at dots that no
backslash escapes, filters compare one path with one literal. Of a template one expression is allowed, with or
without its braces; `range`, text and several expressions are not, since a feedback rule gives one value.

A path is bounded: in its length, and in the steps that it takes through an object (`agent.decide.path_walk`).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import Any, Final

from agent.decide.path_walk import (
    COMPARISONS,
    MOST,
    Every,
    Filter,
    Literal,
    Name,
    Path,
    Range,
    Segment,
    Selector,
    Steps,
    TooManySteps,
)
from controllers.api.echo import echoed

MISSING: Final = object()

# Characters of a path, and segments: each is a call inside the last one.
_LONGEST: Final = 2000
_DEEPEST: Final = 100

_NAME = re.compile(r"(?:\\.|[^\\\s.,\[\]$@{}])+")
_FILTER = re.compile(r"""\[\?\(((?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^"')])*)\)\]""")
_COMPARISON = re.compile(r"^([^!<>=]+)([!<>=]+)(.+)$")
_SELECTION = re.compile(r"\[([^\]\n]*)\]")
_QUOTED_NAME = re.compile(r"^'([^']*)'$")
_SLICE = re.compile(r"^-?\d*(:-?\d*){0,2}$")
_LITERAL = re.compile(r"""^("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[+-]?\d+(\.\d+)?|true|false)$""")


class PathError(ValueError):
    """A path that can't be read; the message says where."""


class PathTooDear(PathError):
    """A path that takes too many steps in this object."""

    def __init__(self, path: str, most: int) -> None:
        super().__init__(
            f"{echoed(path)}: takes more than {most} steps through the object: name the fields on the way, "
            "instead of .. and *"
        )


def first(path: str, document: Any, steps: Steps | None = None) -> Any:
    """The first value that the path finds, or MISSING. Raises PathError for a path that can't be read, PathTooDear for
    one that takes more than these steps."""
    return next(_found(path, document, steps), MISSING)


def every(path: str, document: Any, steps: Steps | None = None) -> list[Any]:
    """All values that the path finds; raises as `first`."""
    return list(_found(path, document, steps))


def _found(path: str, document: Any, steps: Steps | None) -> Iterator[Any]:
    steps = Steps() if steps is None else steps
    try:
        yield from parsed(path).find(document, steps)
    except TooManySteps:
        raise PathTooDear(path, MOST) from None


@functools.lru_cache(maxsize=1024)
def parsed(path: str) -> Path:
    """Raises PathError."""
    if len(path) > _LONGEST:
        raise PathError(f"{echoed(path, 100)}: a path has {_LONGEST} characters at most")
    text = path.strip()
    if text.startswith("{") and text.endswith("}"):
        text = text[1:-1].strip()
    if not text or text[0] not in ".[$@":
        raise PathError(f"{echoed(path)}: a path starts with a dot, a bracket or $")
    return Path(_segments(text, path))


def _segments(text: str, path: str) -> tuple[Segment, ...]:
    """Everything behind the root, one segment after the other."""
    found: list[Segment] = []
    position = 0
    while position < len(text):
        if text[position] in "$@ \t":
            position += 1
            continue
        segments, position = _segment(text, position, path)
        found += segments
    if len(found) > _DEEPEST:
        raise PathError(f"{echoed(path, 100)}: a path has {_DEEPEST} segments at most")
    return tuple(found)


def _segment(text: str, position: int, path: str) -> tuple[tuple[Segment, ...], int]:
    if text.startswith("[?(", position):
        condition = _FILTER.match(text, position)
        if condition is None:
            raise PathError(f"{echoed(path)}: unterminated filter at {position}")
        return (Segment((_condition(condition[1], path),)),), condition.end()
    if text[position] == "[":
        selection = _SELECTION.match(text, position)
        if selection is None:
            raise PathError(f"{echoed(path)}: unterminated bracket at {position}")
        return _selectors(selection[1], path), selection.end()
    if text[position] != ".":
        raise PathError(f"{echoed(path)}: unexpected {text[position]!r} at {position}")
    descend = text.startswith("..", position)
    position += 2 if descend else 1
    name = _NAME.match(text, position)
    if name is not None:
        selector: Selector = Every() if name[0] == "*" else _name(name[0])
        return (Segment((selector,), descend),), name.end()
    if descend and text.startswith("[", position):
        (head, *rest), position = _segment(text, position, path)
        return (Segment(head.selectors, descend=True), *rest), position
    raise PathError(f"{echoed(path)}: a name is missing at {position}")


def _selectors(inside: str, path: str) -> tuple[Segment, ...]:
    """What stands between brackets: a star, an index, a slice, a name, or several of them."""
    selectors = [part.strip() for part in inside.split(",")] if "," in inside else [inside]
    if len(selectors) == 1:
        quoted = _QUOTED_NAME.match(inside)
        if quoted is not None:
            return _segments("." + quoted[1], path)
    return (Segment(tuple(_selector(part, path) for part in selectors)),)


def _selector(text: str, path: str) -> Selector:
    quoted = _QUOTED_NAME.match(text)
    if quoted is not None:
        name = _NAME.fullmatch(quoted[1])
        if name is None:
            raise PathError(f"{echoed(path)}: {echoed(text)} can't stand among several names")
        return _name(name[0])
    if text == "*":
        return Every()
    if text and _SLICE.match(text):
        bounds = [None if part in ("", "-") else int(part) for part in text.split(":")]
        if len(bounds) > 1:
            return Range(slice(*bounds))
        if bounds[0] is not None:
            return Range(slice(bounds[0], None), only=True)
    raise PathError(f"{echoed(path)}: {echoed(text)!r} is no index, slice or quoted name")


def _condition(text: str, path: str) -> Filter:
    comparison = _COMPARISON.match(text)
    if comparison is None:
        return Filter(_operand(text, path))
    left, operator, right = comparison.groups()
    if operator not in COMPARISONS:
        raise PathError(f"{echoed(path)}: {echoed(operator)!r} is no comparison")
    return Filter(_operand(left, path), operator, _operand(right, path))


def _operand(text: str, path: str) -> Literal | Path:
    text = text.strip()
    if _LITERAL.match(text):
        return Literal(_literal(text))
    if not text.startswith(("@", ".", "[")):
        raise PathError(f"{echoed(path)}: {echoed(text)!r} is neither a path nor a literal")
    return Path(_segments(text, path))


def _literal(text: str) -> str | int | float | bool:
    if text[0] in "\"'":
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    if text in ("true", "false"):
        return text == "true"
    return float(text) if "." in text else int(text)


def _name(text: str) -> Name:
    return Name(re.sub(r"\\(.?)", r"\1", text))
