"""CEL expressions of condition rules, as the worker evaluates them (`controllers.expressions.worker`).

Owns the environments: `rule` has the variable `object`, `message` has `result` too; optional types, string functions
and `hasConditions`, of what OCM's agent offers. Kubernetes' own functions (`quantity`, `isURL`, ...) are not there: an
expression that uses one does not compile. Only the worker imports it.
"""

from __future__ import annotations

import functools
from typing import Any, Final

from agent.decide.cel_functions import expanded
from controllers.cel import BOOL, DYN, CelError, Environment

__all__ = ["COMPILERS", "CelError", "Program"]

_RULES = Environment({"object": DYN})
_MESSAGES = Environment({"object": DYN, "result": BOOL})


class Program:
    """A compiled expression."""

    def __init__(self, environment: Environment, expression: str) -> None:
        """Raises CelError if the expression does not compile."""
        self._environment = environment
        self._program = environment.compile(expanded(expression))

    def __call__(self, variables: dict[str, Any]) -> tuple[str, Any]:
        """The type of the result, in lower case as CEL names it, and its value. Raises CelError."""
        return self._program.evaluate(self._environment.activation(variables))


@functools.lru_cache(maxsize=512)
def _rule(expression: str) -> Program:
    return Program(_RULES, expression)


@functools.lru_cache(maxsize=512)
def _message(expression: str) -> Program:
    return Program(_MESSAGES, expression)


COMPILERS: Final = {"rule": _rule, "message": _message}
