"""CEL, the language of conditions in Kubernetes' APIs: expressions compiled once, errors in one line.

Owns the only import of the CEL library. Which variables and functions an expression may use is for the environments
of its users to say. The library stops an expression after 10,000 iterations and refuses one that is nested 32 deep;
what one takes of time and memory it does not bound, so only a worker imports this (`controllers.expressions`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from cel_expr_python import cel  # type: ignore[import-untyped]
from cel_expr_python.ext import (  # type: ignore[import-untyped]
    ext_bindings,
    ext_optional,
    ext_strings,
)

# "NOT_FOUND: ..." in front and " [NOT_FOUND]" behind: status codes of the library.
_CODE = re.compile(r"^[A-Z_]+: | \[[A-Z_]+\]$")
_SNIPPET = "\n | "

BOOL, DYN, STRING, INT, DOUBLE = (
    cel.Type.BOOL,
    cel.Type.DYN,
    cel.Type.STRING,
    cel.Type.INT,
    cel.Type.DOUBLE,
)
Function = cel.FunctionDecl
Overload = cel.Overload


class CelError(ValueError):
    """An expression that does not compile or can't be evaluated; the message is one line for a person."""


class Environment:
    """Variables by name and type, and functions beside CEL's own, its string functions, optional types and bindings."""

    def __init__(self, variables: Mapping[str, Any], functions: Sequence[Any] = ()) -> None:
        self._env = cel.NewEnv(
            variables=dict(variables),
            extensions=[ext_optional.ExtOptional(), ext_strings.ExtStrings(), ext_bindings.ExtBindings()],
            functions=list(functions) or None,
        )

    def compile(self, expression: str) -> Program:
        """Raises CelError if the expression does not compile."""
        try:
            return Program(self._env.compile(expression))
        except (RuntimeError, TypeError, UnicodeError) as error:
            raise CelError(_readable(error)) from error

    def activation(self, variables: Mapping[str, Any]) -> Any:
        """What programs are evaluated with. Converting is most of the work: share it. Raises CelError."""
        try:
            return self._env.Activation(dict(variables))
        except (RuntimeError, TypeError, UnicodeError) as error:
            raise CelError(_readable(error)) from error


class Program:
    """A compiled expression; made by an Environment."""

    def __init__(self, compiled: Any) -> None:
        self._compiled = compiled

    def evaluate(self, activation: Any) -> tuple[str, Any]:
        """The type of the result, in lower case as CEL names it, and its value. Raises CelError."""
        try:
            result = self._compiled.eval(activation)
            if result.type() == cel.Type.ERROR:
                raise CelError(_readable(result.plain_value()))
            return result.type().name().lower(), result.plain_value()
        except (RuntimeError, TypeError, UnicodeError) as error:
            raise CelError(_readable(error)) from error


def _readable(error: object) -> str:
    return _CODE.sub("", str(error).partition(_SNIPPET)[0])
