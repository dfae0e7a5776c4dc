"""CEL selectors, as the worker evaluates them (`controllers.expressions.worker`).

Owns the environment: the variable `managedCluster`, CEL's own functions, string functions and optional types,
`managedCluster.scores("<AddOnPlacementScore>")` (a list of `{name, value}`), `<string>.parseJSON()`, and of
Kubernetes' libraries quantities and semantic versions (`placement.evaluator.cel_library`). URLs, addresses, formats
and the like are not there: an expression that uses one does not compile. Only the worker imports it.
"""

from __future__ import annotations

import functools
from typing import Any, Final

from controllers.cel import DYN, CelError, Environment
from controllers.cel_calls import Calls
from placement.evaluator.cel_library import FUNCTIONS

__all__ = ["COMPILERS", "CelError", "Program", "selecting"]

# Where the scores of a cluster are put for its expressions to read.
_SCORES: Final = "argosy.io/scores"

_ENVIRONMENT: Final = Environment({"managedCluster": DYN}, FUNCTIONS)

# A call of `scores` becomes a selection.
_CALLS: Final = Calls(begin=r"\. \s* scores \s* \(", head=f'["{_SCORES}"][', tail="]")


class Program:
    """One compiled expression."""

    def __init__(self, text: str) -> None:
        """Raises CelError if it does not compile."""
        self._program = _ENVIRONMENT.compile(selecting(text))

    def __call__(self, document: dict[str, Any]) -> tuple[str, Any]:
        """For a document of `placement.evaluator.expressions`. Raises CelError."""
        cluster = {**document["managedCluster"], _SCORES: document["scores"]}
        return self._program.evaluate(_ENVIRONMENT.activation({"managedCluster": cluster}))


def selecting(text: str) -> str:
    """`text` with each `x.scores(y)` written as the selection of a field, which needs no call out of the library."""
    return _CALLS.rewritten(text)


COMPILERS: Final = {"selector": functools.lru_cache(maxsize=512)(Program)}
