"""Expressions under bounds: what goes over one costs only itself."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import time
from collections.abc import AsyncIterator

import msgspec
import pytest

from controllers.expressions.bounds import MEMORY
from controllers.expressions.evaluator import Document, Evaluator, EvaluatorError
from controllers.expressions.refusals import PENALTY
from controllers.expressions.wire import Answer, ExpressionError
from tests.unit.expressions.attacks import LONG, OVER_A_BOUND, Json, nested_lists

TRUE, FALSE = Answer("bool", True), Answer("bool", False)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def evaluator(clock: Clock) -> AsyncIterator[Evaluator]:
    made = Evaluator("agent.decide.cel:COMPILERS", clock=clock)
    yield made
    await made.close()


def document(variables: Json, subject: str = "it") -> Document:
    return Document(subject, msgspec.json.encode(variables))


def of(number: int) -> Document:
    return document({"object": {"n": number}}, f"number-{number}")


async def test_answers_come_in_the_order_of_the_documents(evaluator: Evaluator) -> None:
    asked = [of(3), of(1), of(2), of(1)]
    assert await evaluator.evaluate("rule", "object.n == 1", asked) == [FALSE, TRUE, FALSE, TRUE]
    assert await evaluator.evaluate("rule", "object.n > 1", asked[:2]) == [TRUE, FALSE]


async def test_a_value_that_is_neither_boolean_nor_text_is_a_type_alone(evaluator: Evaluator) -> None:
    asked = {"object.n": "int", "[object]": "list<dyn>", "object": "map<dyn, dyn>"}
    for expression, kind in asked.items():
        assert await evaluator.evaluate("rule", expression, [of(1)]) == [Answer(kind)]


async def test_what_does_not_compile_is_said_whether_there_are_documents_or_not(evaluator: Evaluator) -> None:
    for documents in ([], [of(1)], [of(1), of(2)]):
        with pytest.raises(ExpressionError, match="undeclared reference to 'badcel'") as raised:
            await evaluator.evaluate("rule", "badcel", documents)
        assert not raised.value.exceeded
    assert await evaluator.evaluate("rule", "true", []) == []


@pytest.mark.parametrize(("expression", "variables"), OVER_A_BOUND.values(), ids=OVER_A_BOUND.keys())
async def test_an_attack_is_stopped_and_named_and_those_beside_it_are_answered(
    evaluator: Evaluator, expression: str, variables: Json
) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begin = time.process_time()
    attack, _, innocent = await asyncio.gather(
        evaluator.evaluate("rule", expression, [document(variables)]),
        evaluator.evaluate("rule", expression, [document(variables)]),
        evaluator.evaluate("rule", "object.n == 7", [of(7)]),
    )
    assert attack[0].exceeded
    assert "make the expression cheaper" in attack[0].error
    assert innocent == [TRUE]
    # This process does no more than ask, however much its worker has tried.
    assert time.process_time() - begin < 2
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < (MEMORY >> 10) // 2


async def test_an_expression_that_no_parser_could_bear_is_an_error(evaluator: Evaluator) -> None:
    for expression in (
        "(" * 40_000,
        "object" + ".a" * 40_000,
        "[" * 30_000 + "]" * 30_000,
    ):
        with pytest.raises(ExpressionError) as raised:
            await evaluator.evaluate("rule", expression, [of(1)])
        assert len(str(raised.value)) < 1000
    assert await evaluator.evaluate("rule", "object.n == 2", [of(2)]) == [TRUE]


async def test_a_document_that_no_library_could_bear_is_an_error(evaluator: Evaluator) -> None:
    deep = Document("deep", b'{"object":' + b'{"a":' * 500_000 + b"1" + b"}" * 500_000 + b"}")
    found = await evaluator.evaluate("rule", "object == object", [of(1), deep, of(2)])
    assert [item.kind for item in found] == ["bool", "", "bool"]
    assert found[1].error


async def test_one_document_that_makes_an_expression_dear_leaves_the_others(evaluator: Evaluator) -> None:
    dear = document(LONG, "bloated")
    small = [document({"object": {"t": f"{number}"}}, f"small-{number}") for number in range(50)]
    expression = "size(object.t.replace('y', object.t)) > 0"
    found = await evaluator.evaluate("rule", expression, [*small[:20], dear, *small[20:]])
    assert [item.exceeded for item in found] == [False] * 20 + [True] + [False] * 30
    assert await evaluator.evaluate("rule", expression, small) == [TRUE] * 50


async def test_one_that_is_dear_on_three_is_not_tried_again_for_a_while(
    evaluator: Evaluator, clock: Clock
) -> None:
    expression, variables = OVER_A_BOUND["a long text in each of many items"]
    documents = [document(variables, f"cluster-{number}") for number in range(50)]
    begin = time.monotonic()
    with pytest.raises(ExpressionError, match="make the expression cheaper") as raised:
        await evaluator.evaluate("rule", expression, documents)
    assert raised.value.exceeded
    assert await evaluator.evaluate("rule", "object.n == 3", [of(3)]) == [TRUE]
    living = evaluator.pid
    for _ in range(10):
        with pytest.raises(ExpressionError, match="make the expression cheaper"):
            await evaluator.evaluate("rule", expression, documents)
    assert evaluator.pid == living
    assert time.monotonic() - begin < 60
    clock.now += PENALTY + 1
    with pytest.raises(ExpressionError, match="make the expression cheaper"):
        await evaluator.evaluate("rule", expression, documents)
    assert evaluator.pid != living


async def test_many_evaluations_that_are_dear_together_are_over_a_bound(evaluator: Evaluator) -> None:
    # Each takes some 10 ms: 100 of them may take little more than one.
    expression = "[1, 2, 3, 4, 5, 6].all(a, size(object.s.replace('x', 'y')) > 0)"
    documents = [document(LONG, f"cluster-{number}") for number in range(100)]
    with pytest.raises(ExpressionError, match=r"took more than 0\.1\d+ s of CPU time"):
        await evaluator.evaluate("rule", expression, documents)


async def test_a_worker_that_is_killed_from_outside_is_nobody_s_fault(evaluator: Evaluator) -> None:
    assert await evaluator.evaluate("rule", "object.n == 1", [of(1)]) == [TRUE]
    pid = evaluator.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert await evaluator.evaluate("rule", "object.n == 2", [of(2)]) == [TRUE]
    assert evaluator.pid not in (None, pid)


async def test_a_question_that_is_cancelled_leaves_no_answer_behind(evaluator: Evaluator) -> None:
    assert await evaluator.evaluate("rule", "object.n == 1", [of(1)]) == [TRUE]
    slow, variables = OVER_A_BOUND["20 KB of nested loops over long texts"]
    asked = asyncio.create_task(evaluator.evaluate("rule", slow, [document(variables)]))
    await asyncio.sleep(0)
    assert evaluator.is_busy
    asked.cancel()
    await asyncio.gather(asked, return_exceptions=True)
    assert asked.cancelled()
    assert await evaluator.evaluate("rule", "object.n == 2", [of(2), of(1)]) == [TRUE, FALSE]


async def test_a_worker_that_cannot_start_is_an_error_that_decides_nothing() -> None:
    evaluator = Evaluator("agent.decide.cel:NOTHING")
    with pytest.raises(EvaluatorError):
        await evaluator.evaluate("rule", "true", [of(1)])
    await evaluator.close()


async def test_a_text_is_cut_to_what_a_message_may_be(evaluator: Evaluator) -> None:
    assert await evaluator.evaluate("rule", "object.s", [document(LONG)]) == [Answer("string", "x" * 32_768)]


async def test_a_worker_that_has_grown_is_replaced(evaluator: Evaluator) -> None:
    pids: set[int | None] = set()
    for number in range(20):
        if len(pids) > 1:
            break
        # Programs are kept: each of these takes some ten megabytes.
        text = nested_lists(15, 600, f"object.n == {number}")
        found = await evaluator.evaluate("rule", text, [of(number)])
        assert found[0].error in ("", "Iteration budget exceeded")
        pids.add(evaluator.pid)
    assert len(pids) > 1
