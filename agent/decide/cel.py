"""CEL expressions of condition rules: compiled once, evaluated on the parts of an object that they look at.

Owns the environments: variable `object`, and `result` for messages; optional types, string functions and
`hasConditions`, of what OCM's agent offers. Kubernetes' own functions (`quantity`, `isURL`, ...) are not there: an
expression that uses one does not compile.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any

from agent.decide.cel_functions import expanded
from agent.decide.reach import Reach, cut, joined, reach_of
from controllers.cel import BOOL, DYN, CelError, Environment

__all__ = ["CelError", "Program", "Scope", "message", "rule"]

_RULES = Environment({"object": DYN})
_MESSAGES = Environment({"object": DYN, "result": BOOL})


class Program:
    """A compiled expression."""

    def __init__(self, environment: Environment, expression: str) -> None:
        """Raises CelError if the expression does not compile."""
        self._program = environment.compile(expanded(expression))
        self.reach: Reach = reach_of(expression)

    def evaluate(self, scope: Scope) -> tuple[str, Any]:
        """The type of the result, in lower case as CEL names it, and its value. Raises CelError."""
        return self._program.evaluate(scope.activation)


class Scope:
    """The variables that programs are evaluated with. Converting the object is most of the work: share it."""

    def __init__(self, programs: Iterable[Program], live: dict[str, Any], **variables: bool) -> None:
        """For these programs only: the others would miss what was cut away. Raises CelError."""
        reach = joined(program.reach for program in programs)
        self.activation = _MESSAGES.activation({"object": cut(live, reach), **variables})


@functools.lru_cache(maxsize=512)
def rule(expression: str) -> Program:
    """An expression over `object`. Raises CelError."""
    return Program(_RULES, expression)


@functools.lru_cache(maxsize=512)
def message(expression: str) -> Program:
    """An expression over `object` and `result`. Raises CelError."""
    return Program(_MESSAGES, expression)
