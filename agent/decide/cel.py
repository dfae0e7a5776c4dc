"""CEL expressions of condition rules: compiled once, evaluated on the parts of an object that they look at.

Owns the environments (variable `object`, and `result` for messages; optional types, string functions and
`hasConditions`, of what OCM's agent offers) and the only import of the CEL library. The library stops an
expression after 10,000 iterations, so none can hold up the agent. Kubernetes' own functions (`quantity`,
`isURL`, ...) are not there: an expression that uses one does not compile.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from typing import Any

from cel_expr_python import cel  # type: ignore[import-untyped]
from cel_expr_python.ext import (  # type: ignore[import-untyped]
    ext_bindings,
    ext_optional,
    ext_strings,
)

from agent.decide.cel_functions import expanded
from agent.decide.reach import Reach, cut, joined, reach_of

# "NOT_FOUND: ..." in front and " [NOT_FOUND]" behind: status codes of the library.
_CODE = re.compile(r"^[A-Z_]+: | \[[A-Z_]+\]$")
_SNIPPET = "\n | "


class CelError(ValueError):
    """An expression that does not compile or can't be evaluated; the message is one line for a person."""


class Program:
    """A compiled expression."""

    def __init__(self, environment: Any, expression: str) -> None:
        """Raises CelError if the expression does not compile."""
        try:
            self._compiled = environment.compile(expanded(expression))
        except (RuntimeError, TypeError, UnicodeError) as error:
            raise CelError(_readable(error)) from error
        self.reach: Reach = reach_of(expression)

    def evaluate(self, scope: Scope) -> tuple[str, Any]:
        """The type of the result, in lower case as CEL names it, and its value. Raises CelError."""
        try:
            result = self._compiled.eval(scope.activation)
            if result.type() == cel.Type.ERROR:
                raise CelError(_readable(result.plain_value()))
            return result.type().name().lower(), result.plain_value()
        except (RuntimeError, TypeError, UnicodeError) as error:
            raise CelError(_readable(error)) from error


class Scope:
    """The variables that programs are evaluated with. Converting the object is most of the work: share it."""

    def __init__(self, programs: Iterable[Program], live: dict[str, Any], **variables: bool) -> None:
        """For these programs only: the others would miss what was cut away. Raises CelError."""
        reach = joined(program.reach for program in programs)
        try:
            self.activation = _MESSAGES.Activation({"object": cut(live, reach), **variables})
        except (RuntimeError, TypeError, UnicodeError) as error:
            raise CelError(_readable(error)) from error


@functools.lru_cache(maxsize=512)
def rule(expression: str) -> Program:
    """An expression over `object`. Raises CelError."""
    return Program(_RULES, expression)


@functools.lru_cache(maxsize=512)
def message(expression: str) -> Program:
    """An expression over `object` and `result`. Raises CelError."""
    return Program(_MESSAGES, expression)


def _environment(**variables: Any) -> Any:
    return cel.NewEnv(
        variables=variables,
        extensions=[ext_optional.ExtOptional(), ext_strings.ExtStrings(), ext_bindings.ExtBindings()],
    )


_RULES = _environment(object=cel.Type.DYN)
_MESSAGES = _environment(object=cel.Type.DYN, result=cel.Type.BOOL)


def _readable(error: object) -> str:
    return _CODE.sub("", str(error).partition(_SNIPPET)[0])
