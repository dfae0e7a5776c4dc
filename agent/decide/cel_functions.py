"""The functions that OCM adds to CEL for condition rules, written out in CEL itself.

Owns `hasConditions(status)`: true if `status` is a map whose `conditions` is a list with something in it (OCM's
sdk-go `pkg/cel/library`).
"""

from __future__ import annotations

from typing import Final

from controllers.cel_calls import Calls

_HAS_CONDITIONS: Final = Calls(
    begin=r"(?<![\w.]) hasConditions \s* \(",
    head="cel.bind(s, dyn(",
    tail="), type(s) == map && 'conditions' in s && type(s.conditions) == list && size(s.conditions) > 0)",
)


def expanded(expression: str) -> str:
    """The expression with each call of an added function replaced by what it stands for."""
    return _HAS_CONDITIONS.rewritten(expression)
