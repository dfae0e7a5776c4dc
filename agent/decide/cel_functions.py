"""The functions that OCM adds to CEL for condition rules, written out in CEL itself.

Owns `hasConditions(status)`: true if `status` is a map whose `conditions` is a list with something in it (OCM's
sdk-go `pkg/cel/library`). Python functions given to the CEL library would do, but they cost a conversion and
leak memory on each call (cel-expr-python 0.1.3).
"""

from __future__ import annotations

import re

_TOKEN = re.compile(
    r"""
      (?P<text> r?\"\"\".*?\"\"\" | r?'''.*?''' | [rR]"[^"\n]*" | [rR]'[^'\n]*'
              | "(?:[^"\\\n]|\\.)*" | '(?:[^'\\\n]|\\.)*' | //[^\n]* )
    | (?P<call> (?<![\w.]) hasConditions \s* \( )
    | (?P<word> \w+ )
    | (?P<open> \( ) | (?P<close> \) )
    | (?P<other> . )
    """,
    re.VERBOSE | re.DOTALL,
)

_HEAD = "cel.bind(s, dyn("
_TAIL = "), type(s) == map && 'conditions' in s && type(s.conditions) == list && size(s.conditions) > 0)"


def expanded(expression: str) -> str:
    """The expression with each call of an added function replaced by what it stands for."""
    if "hasConditions" not in expression:
        return expression
    parts: list[str] = []
    tails: list[str] = []
    for token in _TOKEN.finditer(expression):
        text = token[0]
        if token["call"]:
            tails.append(_TAIL)
            text = _HEAD
        elif token["open"]:
            tails.append(")")
        elif token["close"] and tails:
            text = tails.pop()
        parts.append(text)
    return "".join(parts)
