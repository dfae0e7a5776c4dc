"""Asks the worker, starts it when it is needed, and finds out which evaluation has ended it.

A worker that an evaluation has ended costs that evaluation its answer and nobody else anything: a new one takes over
from there. One that something else has ended (the kernel, short of memory) is replaced and asked again, and after a few
times the question fails, so that nothing is decided by it.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NoReturn

import structlog
from prometheus_client import Counter

from controllers.expressions import bounds
from controllers.expressions.process import Ended, Reply, Worker
from controllers.expressions.refusals import Refusals
from controllers.expressions.wire import Answer, ExpressionError, Question

log = structlog.get_logger(__name__)

_stopped = Counter("argosy_expressions_stopped_total", "Evaluations of CEL that went over a bound.")

# Answers that are remembered, to what is small: most of what is asked is asked again.
_REMEMBERED: Final = 4096
_SMALL: Final = 2048
# Bytes of documents in one question.
_CHUNK: Final = 1 << 20
_TRIES: Final = 3


class EvaluatorError(Exception):
    """No worker can be had, or it does not answer, for no fault of the expression. Worth another try."""


@dataclass(frozen=True)
class Document:
    """What an expression is evaluated on, as JSON. `subject`: whom it is about, in all its versions."""

    subject: str
    json: bytes


class Evaluator:
    """`compilers`: what the worker evaluates (`controllers.expressions.worker`). One question at a time; `close` when
    there are no more."""

    def __init__(self, compilers: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._compilers = compilers
        self._refusals = Refusals(clock)
        self._known: OrderedDict[tuple[str, str, bytes], Answer] = OrderedDict()
        self._lock = asyncio.Lock()
        self._worker: Worker | None = None

    async def evaluate(
        self, environment: str, expression: str, documents: Sequence[Document]
    ) -> list[Answer]:
        """One answer for each document, in their order. Raises ExpressionError, also where there are no documents, and
        EvaluatorError."""
        known = [self._recall(environment, expression, document) for document in documents]
        missing = [document for document, answer in zip(documents, known, strict=True) if answer is None]
        found: list[Answer] = []
        if missing or not documents:
            async with self._lock:
                for chunk in _chunks(missing):
                    found += await self._ask(environment, expression, chunk)
        for document, answer in zip(missing, found, strict=True):
            self._remember(environment, expression, document, answer)
        rest = iter(found)
        return [next(rest) if answer is None else answer for answer in known]

    async def run(self) -> None:
        """Until cancelled; then the worker ends."""
        try:
            await asyncio.Event().wait()
        finally:
            await self.close()

    async def close(self) -> None:
        """Ends the worker; a later question starts another."""
        async with self._lock:
            await self._discard()

    @property
    def pid(self) -> int | None:
        """Of the worker; None: there is none now."""
        return self._worker.pid if self._worker is not None else None

    @property
    def is_busy(self) -> bool:
        """Whether a question is being answered."""
        return self._lock.locked()

    # -- what is known ------------------------------------------------------------------------------------

    def _recall(self, environment: str, expression: str, document: Document) -> Answer | None:
        key = (environment, expression, document.json)
        if key in self._known:
            self._known.move_to_end(key)
            return self._known[key]
        return None

    def _remember(self, environment: str, expression: str, document: Document, answer: Answer) -> None:
        size = len(expression) + len(document.json) + len(str(answer.value)) + len(answer.error)
        if answer.exceeded or size > _SMALL:
            return
        self._known[environment, expression, document.json] = answer
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)

    # -- asking -------------------------------------------------------------------------------------------

    async def _ask(self, environment: str, expression: str, documents: Sequence[Document]) -> list[Answer]:
        key = (environment, expression)
        found: dict[int, Answer] = {}
        one_by_one, failures = len(documents) < 2, 0
        while True:
            if (why := self._refusals.of_all(key)) is not None:
                raise ExpressionError(why, exceeded=True)
            for number, document in enumerate(documents):
                if (why := self._refusals.of(key, document.subject)) is not None:
                    found[number] = Answer(error=why, exceeded=True)
            rest = [number for number in range(len(documents)) if number not in found]
            if documents and not rest:
                return [found[number] for number in range(len(documents))]
            reply = Reply()
            question = Question(environment, expression, len(rest), one_by_one)
            ended = await self._exchange(question, [documents[number].json for number in rest], reply)
            for number, answer in zip(rest, reply.answers, strict=False):
                if answer.exceeded:
                    self._blame(key, answer.error, "" if answer.last else documents[number].subject)
                found[number] = answer
            if reply.compiled is not None and reply.compiled.error:
                if not reply.compiled.exceeded:
                    raise ExpressionError(reply.compiled.error)
                self._blame(key, reply.compiled.error)
            elif ended is None and not documents:
                return []
            elif ended is None:
                continue  # all are answered, or the expression is to blame
            elif (why := bounds.ending(ended.signal)) is None:
                failures += 1
                if failures == _TRIES:
                    _give_up()
            elif not one_by_one:
                one_by_one = True  # so that it is seen which of them has ended it
            else:
                on = documents[rest[len(reply.answers)]].subject if reply.compiled is not None else ""
                self._blame(key, why, on)

    def _blame(self, key: tuple[str, str], why: str, subject: str = "") -> None:
        _stopped.inc()
        environment, expression = key
        log.warning(
            "expression_stopped", why=why, environment=environment, expression=expression[:200], on=subject
        )
        self._refusals.add(key, why, subject)

    async def _exchange(self, question: Question, documents: Sequence[bytes], reply: Reply) -> Ended | None:
        try:
            if self._worker is None:
                self._worker = await Worker.start(self._compilers)
            await self._worker.exchange(question, documents, reply)
        except OSError as error:
            raise EvaluatorError(f"no process can be started that evaluates CEL: {error}") from error
        except Ended as ended:
            await self._discard()
            return ended
        except BaseException:  # cancelled in the middle: its next answer would be to this question
            await self._discard()
            raise
        return None

    async def _discard(self) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            await worker.end()


def _give_up() -> NoReturn:
    raise EvaluatorError("the process that evaluates CEL is ended from outside again and again")


def _chunks(documents: Sequence[Document]) -> Iterator[Sequence[Document]]:
    """At least one: the expression is compiled even where there is nothing to evaluate it on."""
    chunk: list[Document] = []
    size = 0
    for document in documents:
        if chunk and size + len(document.json) > _CHUNK:
            yield chunk
            chunk, size = [], 0
        chunk.append(document)
        size += len(document.json)
    yield chunk
