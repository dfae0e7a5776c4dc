"""What condition rules say of an object, evaluated in this process: for rules that tests have written."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from agent.decide.cel import COMPILERS, CelError
from agent.decide.conditions import Judgement, judged
from controllers.api.manifestconfig import ConditionRule
from controllers.expressions.wire import Answer, ExpressionError


async def ask(environment: str, expression: str, variables: dict[str, Any]) -> Answer:
    try:
        program = COMPILERS[environment](expression)
    except CelError as error:
        raise ExpressionError(str(error)) from error
    try:
        kind, value = program(variables)
    except CelError as error:
        return Answer(error=str(error))
    return Answer(kind, value if kind in ("bool", "string") else None)


def judgements(live: dict[str, Any], rules: Iterable[ConditionRule]) -> tuple[Judgement, ...]:
    """Nothing is waited for, so no event loop is needed."""
    try:
        judged(live, rules, ask).send(None)
    except StopIteration as end:
        found: tuple[Judgement, ...] = end.value
        return found
    raise AssertionError("the judgement waits for something")
