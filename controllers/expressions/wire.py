"""What an evaluator and its worker say to each other: a line of JSON each.

A Question is followed by its documents; the reply is a Compiled, and lists of Answers. The documents stand apart, so
that one that can't be read harms no other.
"""

from __future__ import annotations

from typing import Any

import msgspec


class ExpressionError(ValueError):
    """The expression can't be used: it does not compile, or is too dear whatever it is evaluated on (`exceeded`). The
    text says why, in one line."""

    def __init__(self, why: str, *, exceeded: bool = False) -> None:
        super().__init__(why)
        self.exceeded = exceeded


class Question(msgspec.Struct, frozen=True):
    """The value of one expression for each of so many documents.

    `environment`: the name of one of the worker's. `each`: answer each in a line of its own, so that it is seen which
    document ended the worker; else in one line together.
    """

    environment: str
    expression: str
    documents: int
    each: bool = False


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an expression gives for one document.

    `kind`: CEL's name of the value's type, in lower case; `value`: the value itself, of a boolean or a string only.
    `error`: why there is none; it is the bound that was passed if `exceeded`. `last`: the expression is to blame for
    that, and no answers follow.
    """

    kind: str = ""
    value: bool | str | None = None
    error: str = ""
    exceeded: bool = False
    last: bool = False

    @property
    def holds(self) -> bool:
        return self.kind == "bool" and self.value is True


class Compiled(msgspec.Struct, frozen=True, omit_defaults=True):
    """Whether the expression compiles: `error` says why not. The first line of each reply."""

    error: str = ""
    exceeded: bool = False


def line(message: Any) -> bytes:
    return msgspec.json.encode(message) + b"\n"
