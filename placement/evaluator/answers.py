"""What CEL selectors say of clusters, as an evaluation reads it. Pure: what is not known yet is noted down and asked
for by others (`placement.evaluator.expressions`).

As in OCM, an expression that is not true of a cluster, or fails on it, refuses that cluster; one that does not
compile is a mistake in the Placement.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from controllers.api.cluster import AddOnPlacementScore, ManagedCluster
from controllers.expressions.wire import Answer, ExpressionError

Scores = Mapping[tuple[str, str], AddOnPlacementScore]


class Unanswered(Exception):
    """An evaluation depends on what is not known yet; the Answers that it was given say what that is."""


class Memory(Protocol):
    """What was found out for earlier evaluations."""

    def compiles(self, text: str) -> bool: ...

    def recall(self, text: str, cluster: ManagedCluster, scores: Scores) -> Answer | None: ...


class Answers:
    """For the evaluations of one moment. `scores`: those of the hub then; `memory` None: nothing is known."""

    def __init__(self, scores: Scores | None = None, memory: Memory | None = None) -> None:
        self.scores: Scores = {} if scores is None else scores
        # By expression, the clusters for which an answer was missing.
        self.missing: dict[str, list[ManagedCluster]] = {}
        self._memory = memory
        self._found: dict[tuple[str, str], Answer] = {}
        self._unusable: dict[str, ExpressionError] = {}
        self._compiled: set[str] = set()

    def check(self, text: str) -> None:
        """Raises ExpressionError for an expression that can't be used."""
        if text in self._unusable:
            raise self._unusable[text]
        if text not in self._compiled and (self._memory is None or not self._memory.compiles(text)):
            self.missing.setdefault(text, [])

    def of(self, text: str, cluster: ManagedCluster) -> Answer | None:
        """What the expression says of the cluster; None: it is not known, and noted as missing."""
        found = self._found.get((text, cluster.metadata.name))
        if found is None and self._memory is not None:
            found = self._memory.recall(text, cluster, self.scores)
        if found is None:
            self.missing.setdefault(text, []).append(cluster)
        return found

    def require(self) -> None:
        """Raises Unanswered if anything was missing."""
        if self.missing:
            raise Unanswered

    # -- written by who has asked -------------------------------------------------------------------------

    def answer(self, text: str, clusters: Mapping[str, Answer]) -> None:
        """The expression compiles, and says this of these clusters, by name."""
        self._compiled.add(text)
        self._found.update(((text, name), found) for name, found in clusters.items())

    def refuse(self, text: str, why: ExpressionError) -> None:
        """The expression can't be used."""
        self._unusable[text] = why
