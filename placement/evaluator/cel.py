"""CEL selectors: expressions over the variable `managedCluster`, with the functions that OCM offers there.

Owns the environment: CEL's own, string functions and optional types, `managedCluster.scores("<AddOnPlacementScore>")`
(a list of `{name, value}`), `<string>.parseJSON()`, and of Kubernetes' libraries quantities and semantic versions
(`placement.evaluator.cel_library`). URLs, addresses, formats and the like are not there: an expression that uses one
does not compile.

As in OCM, an expression that is not true of a cluster, or fails on it, refuses that cluster; one that does not
compile is a mistake in the Placement.
"""

from __future__ import annotations

import functools
import re
from collections import OrderedDict
from typing import Any, Final

import msgspec

from controllers.api.cluster import AddOnPlacementScore, ManagedCluster
from controllers.cel import DYN, CelError, Environment, Program
from controllers.cel_calls import Calls
from placement.evaluator.cel_library import FUNCTIONS
from placement.evaluator.snapshot import ScoresOf

# Where the scores of a cluster are put for its expressions to read.
_SCORES: Final = "argosy.io/scores"
_REMEMBERED: Final = 50_000

_ENVIRONMENT = Environment({"managedCluster": DYN}, FUNCTIONS)

# A call of `scores` becomes a selection.
_CALLS: Final = Calls(begin=r"\. \s* scores \s* \(", head=f'["{_SCORES}"][', tail="]")
_NAME = re.compile(r"""\.\s*scores\s*\(\s*(?P<quote>["'])(?P<name>[^"'\\]*)(?P=quote)\s*\)""")


class Expression:
    """One compiled expression. Remembers what it said of a cluster, for as long as nothing of it has changed."""

    def __init__(self, text: str) -> None:
        """Raises CelError if it does not compile."""
        self._program: Program = _ENVIRONMENT.compile(selecting(text))
        self._resources = tuple(sorted({found["name"] for found in _NAME.finditer(text)}))
        self._known: OrderedDict[tuple[str, ...], bool] = OrderedDict()

    def holds(self, cluster: ManagedCluster, scores_of: ScoresOf) -> bool:
        """Whether it is true of the cluster; false where it fails, or is no boolean."""
        meta = cluster.metadata
        scores = {name: scores_of(meta.name, name) for name in self._resources}
        key = (meta.name, meta.uid, meta.resource_version, *map(_version, scores.values()))
        if meta.resource_version and key in self._known:
            self._known.move_to_end(key)
            return self._known[key]
        result = self._evaluate(cluster, scores)
        self._known[key] = result
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return result

    def _evaluate(self, cluster: ManagedCluster, scores: dict[str, AddOnPlacementScore | None]) -> bool:
        content: dict[str, Any] = msgspec.to_builtins(cluster)
        content[_SCORES] = {
            name: [{"name": item.name, "value": item.value} for item in found.status.scores]
            for name, found in scores.items()
            if found is not None
        }
        try:
            kind, value = self._program.evaluate(_ENVIRONMENT.activation({"managedCluster": content}))
        except CelError:
            return False
        return kind == "bool" and bool(value)


@functools.lru_cache(maxsize=512)
def expression(text: str) -> Expression:
    """Raises CelError if it does not compile."""
    return Expression(text)


def selecting(text: str) -> str:
    """`text` with each `x.scores(y)` written as the selection of a field, which needs no call out of the library."""
    return _CALLS.rewritten(text)


def _version(found: AddOnPlacementScore | None) -> str:
    return "" if found is None else f"{found.metadata.uid}/{found.metadata.resource_version}"
