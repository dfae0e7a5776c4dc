"""Has CEL selectors evaluated on clusters, and remembers what came of it for as long as nothing of a cluster has
changed. Decides nothing."""

from __future__ import annotations

import functools
import re
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, TypeVar

import msgspec

from controllers.api.cluster import ManagedCluster
from controllers.expressions.evaluator import Document, Evaluator
from controllers.expressions.wire import Answer, ExpressionError
from placement.evaluator.answers import Answers, Scores, Unanswered

T = TypeVar("T")

_ENVIRONMENT: Final = "selector"
# Expressions that are remembered, and clusters for each.
_TEXTS: Final = 512
_CLUSTERS: Final = 50_000

# The AddOnPlacementScores that an expression names.
_SCORES = re.compile(r"""\.\s*scores\s*\(\s*(?P<quote>["'])(?P<name>[^"'\\]*)(?P=quote)\s*\)""")

_Version = tuple[str, ...]


class _Document(msgspec.Struct, rename="camel"):
    """What an expression is evaluated on; `placement.evaluator.cel` reads it."""

    managed_cluster: ManagedCluster
    scores: dict[str, list[dict[str, str | int]]]


class Expressions:
    """`evaluator`: its compilers are those of `placement.evaluator.cel`."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator
        self._known: OrderedDict[str, OrderedDict[_Version, Answer]] = OrderedDict()

    @classmethod
    def with_worker(cls) -> Expressions:
        """With an evaluator of its own, to be closed."""
        return cls(Evaluator("placement.evaluator.cel:COMPILERS"))

    async def answered(self, answers: Answers, decide: Callable[[], T]) -> T:
        """What `decide` returns once nothing is missing from `answers`. Raises EvaluatorError, and what that raises."""
        while True:
            try:
                return decide()
            except Unanswered:
                missing = dict(answers.missing)
                answers.missing.clear()
                for text, clusters in missing.items():
                    await self._ask(answers, text, clusters)

    def compiles(self, text: str) -> bool:
        """Whether that is known."""
        return text in self._known

    def recall(self, text: str, cluster: ManagedCluster, scores: Scores) -> Answer | None:
        """What it said of the cluster, if nothing has changed since."""
        known = self._known.get(text)
        if known is None or not cluster.metadata.resource_version:
            return None
        return known.get(self._version(text, cluster, scores))

    async def _ask(self, answers: Answers, text: str, clusters: list[ManagedCluster]) -> None:
        documents = [
            Document(cluster.metadata.name, document(text, cluster, answers.scores)) for cluster in clusters
        ]
        try:
            found = await self.evaluator.evaluate(_ENVIRONMENT, text, documents)
        except ExpressionError as error:
            answers.refuse(text, error)
            return
        answers.answer(
            text,
            {cluster.metadata.name: answer for cluster, answer in zip(clusters, found, strict=True)},
        )
        known = self._known.setdefault(text, OrderedDict())
        self._known.move_to_end(text)
        for cluster, answer in zip(clusters, found, strict=True):
            if cluster.metadata.resource_version and not answer.exceeded:
                known[self._version(text, cluster, answers.scores)] = answer
        while len(known) > _CLUSTERS:
            known.popitem(last=False)
        while len(self._known) > _TEXTS:
            self._known.popitem(last=False)

    def _version(self, text: str, cluster: ManagedCluster, scores: Scores) -> _Version:
        meta = cluster.metadata
        found = [scores.get((meta.name, name)) for name in _named(text)]
        read = [
            "" if item is None else f"{item.metadata.uid}/{item.metadata.resource_version}" for item in found
        ]
        return (meta.name, meta.uid, meta.resource_version, *read)


def document(text: str, cluster: ManagedCluster, scores: Scores) -> bytes:
    """What the expression `text` is evaluated on, as JSON."""
    named = {name: scores.get((cluster.metadata.name, name)) for name in _named(text)}
    return msgspec.json.encode(
        _Document(
            managed_cluster=cluster,
            scores={
                name: [{"name": item.name, "value": item.value} for item in found.status.scores]
                for name, found in named.items()
                if found is not None
            },
        )
    )


@functools.lru_cache(maxsize=_TEXTS)
def _named(text: str) -> tuple[str, ...]:
    """The AddOnPlacementScores that the expression reads."""
    return tuple(sorted({item["name"] for item in _SCORES.finditer(text)}))
