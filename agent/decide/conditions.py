"""The conditions that condition rules give a manifest, from its live object.

Owns conditionRules: CEL, and the well-known rules that tell when a Job and a Pod are complete, with reasons and
semantics of OCM's agent (`pkg/work/spoke/conditions` of open-cluster-management.io/ocm v1.2.0): all expressions
must hold, the first that does not decides, an error is False. Never looks at other manifests.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from agent.decide import cel
from controllers.api.conditions import condition
from controllers.api.manifestconfig import ConditionRule
from controllers.api.meta import QUALIFIED_NAME, Condition

COMPLETE = "Complete"
EVALUATED = "ConditionRuleEvaluated"
INVALID = "ConditionRuleInvalid"
EXPRESSION_ERROR = "ConditionRuleExpressionError"

# The prefix by which OCM's agent and ours know which conditions rules have made.
_RULE_PREFIX = "ConditionRule"

# The agent's own conditions of a manifest, which no rule may take over. Available may be.
_RESERVED = {"Applied", "StatusFeedbackSynced"}

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


def from_rules(
    live: dict[str, Any], rules: Iterable[ConditionRule], *, generation: int, now: datetime
) -> list[Condition]:
    """A condition for each rule that applies to the object; `generation` is the work's. Never raises.

    Left out are well-known rules for a kind or a condition that is not known, and rules whose condition's name
    no API server would accept or belongs to the agent.
    """
    conditions = []
    for rule in rules:
        if rule.condition in _RESERVED or not _CONDITION_TYPE.match(rule.condition):
            continue
        if rule.type not in ("CEL", "WellKnownConditions"):
            text = f"unrecognized condition rule type {rule.type}"
            conditions.append(condition(rule.condition, None, INVALID, text, now, generation))
            continue
        resolved = rule if rule.type == "CEL" else _well_known(live, rule)
        if resolved is not None:
            status, reason, message = _evaluated(live, resolved)
            conditions.append(condition(rule.condition, status, reason, message, now, generation))
    return conditions


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


def _evaluated(live: dict[str, Any], rule: ConditionRule) -> tuple[bool, str, str]:
    """Status, reason and message."""
    try:
        holds = _all_hold(live, rule.cel_expressions)
    except cel.CelError as error:
        return False, EXPRESSION_ERROR, str(error)
    return holds, EVALUATED, _message(live, rule, holds)


def _all_hold(live: dict[str, Any], expressions: Sequence[str]) -> bool:
    # Each is compiled when its turn comes: behind one that is false, a wrong one does no harm, as in OCM.
    for expression in expressions:
        program = cel.rule(expression)
        kind, value = program.evaluate(cel.Scope([program], live))
        if kind != "bool":
            raise cel.CelError(f"expected bool result, got {kind}")
        if not value:
            return False
    return True


def _message(live: dict[str, Any], rule: ConditionRule, holds: bool) -> str:
    if rule.message_expression:
        try:
            text = _message_text(live, rule.message_expression, holds)
        except cel.CelError as error:
            return str(error)
        if text:
            return text
    return rule.message or f"Manifest is {'' if holds else 'not '}{rule.condition}"


def _message_text(live: dict[str, Any], expression: str, holds: bool) -> str:
    program = cel.message(expression)
    kind, value = program.evaluate(cel.Scope([program], live, result=holds))
    if kind != "string":
        raise cel.CelError(f"expected message expression to have a string result, got {kind}")
    return str(value)
