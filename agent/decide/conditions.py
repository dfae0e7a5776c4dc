"""The conditions that condition rules give a manifest, from its live object.

Owns conditionRules: CEL, and the well-known rules that tell when a Job and a Pod are complete, with reasons and
semantics of OCM's agent (`pkg/work/spoke/conditions` of open-cluster-management.io/ocm v1.2.0): all expressions
must hold, the first that does not decides, an error is False. Never looks at other manifests, and evaluates nothing
itself: what an expression gives is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec

from agent.decide.reach import cut, reach_of
from controllers.api.conditions import condition
from controllers.api.manifestconfig import ConditionRule
from controllers.api.meta import QUALIFIED_NAME, Condition
from controllers.expressions.bounds import told
from controllers.expressions.wire import Answer, ExpressionError

COMPLETE = "Complete"
EVALUATED = "ConditionRuleEvaluated"
INVALID = "ConditionRuleInvalid"
EXPRESSION_ERROR = "ConditionRuleExpressionError"

# The prefix by which OCM's agent and ours know which conditions rules have made.
_RULE_PREFIX = "ConditionRule"

# The agent's own conditions of a manifest, which no rule may take over. Available may be.
_RESERVED = {"Applied", "StatusFeedbackSynced"}

# Expressions that the rules of one manifest may have evaluated: each may take its time.
MOST_EXPRESSIONS: Final = 100

# What an expression gives, in an environment of `agent.decide.cel` and with these variables. Raises ExpressionError.
Ask = Callable[[str, str, dict[str, Any]], Awaitable[Answer]]

_CONDITION_TYPE = re.compile(QUALIFIED_NAME)

_WELL_KNOWN = {
    ("batch/v1", "Job", COMPLETE): ConditionRule(
        condition=COMPLETE,
        type="CEL",
        cel_expressions=[
            "hasConditions(object.status)",
            "object.status.conditions.exists(c, c.type in ['Complete', 'Failed'] && c.status == 'True')",
        ],
        message_expression="result ? 'Job is finished' : 'Job is not finished'",
    ),
    ("v1", "Pod", COMPLETE): ConditionRule(
        condition=COMPLETE,
        type="CEL",
        cel_expressions=["object.status.phase in ['Succeeded', 'Failed']"],
        message_expression="'Pod is in phase ' + object.status.phase",
    ),
}


class Judgement(NamedTuple):
    """What a rule says of the object as it was seen."""

    condition: str
    status: bool | None
    reason: str
    message: str


class _FailedError(ValueError):
    """An expression has no value of use; the message says why."""


async def judged(live: dict[str, Any], rules: Iterable[ConditionRule], ask: Ask) -> tuple[Judgement, ...]:
    """One for each rule that applies to the object. Raises nothing but what `ask` does beside ExpressionError.

    Left out are well-known rules for a kind or a condition that is not known, and rules whose condition's name
    no API server would accept or belongs to the agent.
    """
    court = _Court(live, ask)
    return tuple([found for rule in rules if (found := await court.judge(rule)) is not None])


def from_rules(judgements: Iterable[Judgement], *, generation: int, now: datetime) -> list[Condition]:
    """The conditions; `generation` is the work's."""
    return [
        condition(found.condition, found.status, found.reason, found.message, now, generation)
        for found in judgements
    ]


def is_from_rule(found: Condition) -> bool:
    """Whether a rule has made the condition."""
    return found.reason.startswith(_RULE_PREFIX)


def _well_known(live: dict[str, Any], rule: ConditionRule) -> ConditionRule | None:
    key = (str(live.get("apiVersion", "")), str(live.get("kind", "")), rule.condition)
    known = _WELL_KNOWN.get(key)
    if known is None:
        return None
    return msgspec.structs.replace(
        known,
        message=rule.message,
        message_expression=rule.message_expression or known.message_expression,
    )


class _Court:
    """Judges one object by one rule after the other."""

    def __init__(self, live: dict[str, Any], ask: Ask) -> None:
        self._live = live
        self._ask = ask
        self._left = MOST_EXPRESSIONS

    async def judge(self, rule: ConditionRule) -> Judgement | None:
        if rule.condition in _RESERVED or not _CONDITION_TYPE.match(rule.condition):
            return None
        if rule.type not in ("CEL", "WellKnownConditions"):
            return Judgement(rule.condition, None, INVALID, f"unrecognized condition rule type {rule.type}")
        resolved = rule if rule.type == "CEL" else _well_known(self._live, rule)
        if resolved is None:
            return None
        try:
            holds = await self._all_hold(resolved.cel_expressions)
        except _FailedError as error:
            return Judgement(rule.condition, False, EXPRESSION_ERROR, str(error))
        return Judgement(rule.condition, holds, EVALUATED, await self._message(resolved, holds))

    async def _all_hold(self, expressions: Iterable[str]) -> bool:
        # Each is asked for when its turn comes: behind one that is false, a wrong one does no harm, as in OCM.
        for expression in expressions:
            found = await self._value("rule", expression)
            if found.kind != "bool":
                raise _FailedError(f"expected bool result, got {found.kind}")
            if not found.value:
                return False
        return True

    async def _message(self, rule: ConditionRule, holds: bool) -> str:
        if rule.message_expression:
            try:
                found = await self._value("message", rule.message_expression, result=holds)
            except _FailedError as error:
                return str(error)
            if found.kind != "string":
                return f"expected message expression to have a string result, got {found.kind}"
            if found.value:
                return str(found.value)
        return rule.message or f"Manifest is {'' if holds else 'not '}{rule.condition}"

    async def _value(self, environment: str, expression: str, **variables: bool) -> Answer:
        if not self._left:
            raise _FailedError(
                f"the rules of one manifest may have {MOST_EXPRESSIONS} expressions evaluated, not more"
            )
        self._left -= 1
        try:
            found = await self._ask(
                environment, expression, {"object": cut(self._live, reach_of(expression)), **variables}
            )
        except ExpressionError as error:
            raise _FailedError(told(expression, str(error)) if error.exceeded else str(error)) from error
        if found.error:
            raise _FailedError(told(expression, found.error) if found.exceeded else found.error)
        return found
