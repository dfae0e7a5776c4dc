"""kubectl's JSONPath, as feedback rules are written in, brought to RFC 9535 for the library that evaluates it.

Owns the translation, which follows the parser in `k8s.io/client-go/util/jsonpath`: names end at a dot or a
bracket and may hold anything else (`.my-field`, `.a\\.b/c`), quoted names in brackets split at dots that no
backslash escapes, filters compare one path with one literal. Of a template one expression is allowed, with or
without its braces; `range`, text and several expressions are not, since a feedback rule gives one value.

Kinder than kubectl where it fails for data that may still come: an index beyond the end, or a path through a
string or a number, finds nothing.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import Any, Final

from jsonpath import JSONPathEnvironment
from jsonpath.exceptions import JSONPathError

from controllers.api.echo import echoed

MISSING: Final = object()

_ENVIRONMENT = JSONPathEnvironment()
_NAME = re.compile(r"(?:\\.|[^\\\s.,\[\]$@{}])+")
_FILTER = re.compile(r"""\[\?\(((?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^"')])*)\)\]""")
_COMPARISON = re.compile(r"^([^!<>=]+)([!<>=]+)(.+)$")
_OPERATORS = ("==", "!=", "<", "<=", ">", ">=")
_SELECTION = re.compile(r"\[([^\]\n]*)\]")
_QUOTED_NAME = re.compile(r"^'([^']*)'$")
_SLICE = re.compile(r"^-?\d*(:-?\d*){0,2}$")
_LITERAL = re.compile(r"""^("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[+-]?\d+(\.\d+)?|true|false)$""")


class PathError(ValueError):
    """A path that can't be read; the message says where."""


def first(path: str, document: Any) -> Any:
    """The first value that the path finds, or MISSING. Raises PathError for a path that can't be read."""
    return next(_values(path, document), MISSING)


def every(path: str, document: Any) -> list[Any]:
    """All values that the path finds. Raises PathError for a path that can't be read."""
    return list(_values(path, document))


def _values(path: str, document: Any) -> Iterator[Any]:
    compiled = _compiled(path)
    try:
        for match in compiled.finditer(document):
            yield match.obj
    except (JSONPathError, RecursionError) as error:
        raise PathError(f"{echoed(path)}: {echoed(error)}") from error


def translated(path: str) -> str:
    """The path in RFC 9535's notation. Raises PathError."""
    text = path.strip()
    if text.startswith("{") and text.endswith("}"):
        text = text[1:-1].strip()
    if not text or text[0] not in ".[$@":
        raise PathError(f"{echoed(path)}: a path starts with a dot, a bracket or $")
    return "$" + _segments(text, path)


@functools.lru_cache(maxsize=1024)
def _compiled(path: str) -> Any:
    try:
        return _ENVIRONMENT.compile(translated(path))
    except JSONPathError as error:
        raise PathError(f"{echoed(path)}: {echoed(error)}") from error


def _segments(text: str, path: str) -> str:
    """Everything behind the root, one segment after the other."""
    out = ""
    position = 0
    while position < len(text):
        if text[position] in "$@ \t":
            position += 1
            continue
        segment, position = _segment(text, position, path)
        out += segment
    return out


def _segment(text: str, position: int, path: str) -> tuple[str, int]:
    if text.startswith("[?(", position):
        condition = _FILTER.match(text, position)
        if condition is None:
            raise PathError(f"{echoed(path)}: unterminated filter at {position}")
        return f"[?({_condition(condition[1], path)})]", condition.end()
    if text[position] == "[":
        selection = _SELECTION.match(text, position)
        if selection is None:
            raise PathError(f"{echoed(path)}: unterminated bracket at {position}")
        return _selectors(selection[1], path), selection.end()
    if text[position] != ".":
        raise PathError(f"{echoed(path)}: unexpected {text[position]!r} at {position}")
    descend = ".." if text.startswith("..", position) else ""
    position += 2 if descend else 1
    name = _NAME.match(text, position)
    if name is None:
        if descend and text.startswith("[", position):
            segment, position = _segment(text, position, path)
            return descend + segment, position
        raise PathError(f"{echoed(path)}: a name is missing at {position}")
    return descend + ("[*]" if name[0] == "*" else _name(name[0])), name.end()


def _selectors(inside: str, path: str) -> str:
    """What stands between brackets: a star, an index, a slice, a name, or several of them."""
    selectors = [part.strip() for part in inside.split(",")] if "," in inside else [inside]
    if len(selectors) == 1:
        quoted = _QUOTED_NAME.match(inside)
        if quoted is not None:
            return _segments("." + quoted[1], path)
    return "[" + ",".join(_selector(part, path) for part in selectors) + "]"


def _selector(text: str, path: str) -> str:
    quoted = _QUOTED_NAME.match(text)
    if quoted is not None:
        name = _NAME.fullmatch(quoted[1])
        if name is None:
            raise PathError(f"{echoed(path)}: {echoed(text)} can't stand among several names")
        return _name(name[0])[1:-1]
    if text == "*" or (text and _SLICE.match(text)):
        return text
    raise PathError(f"{echoed(path)}: {echoed(text)!r} is no index, slice or quoted name")


def _condition(text: str, path: str) -> str:
    comparison = _COMPARISON.match(text)
    if comparison is None:
        return _operand(text, path)
    left, operator, right = comparison.groups()
    if operator not in _OPERATORS:
        raise PathError(f"{echoed(path)}: {echoed(operator)!r} is no comparison")
    return f"{_operand(left, path)} {operator} {_operand(right, path)}"


def _operand(text: str, path: str) -> str:
    text = text.strip()
    if _LITERAL.match(text):
        return text.removeprefix("+")
    if not text.startswith(("@", ".", "[")):
        raise PathError(f"{echoed(path)}: {echoed(text)!r} is neither a path nor a literal")
    return "@" + _segments(text, path)


def _name(text: str) -> str:
    name = re.sub(r"\\(.?)", r"\1", text)
    quoted = name.replace("\\", "\\\\").replace("'", "\\'")
    return f"['{quoted}']"
