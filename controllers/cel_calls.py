"""Calls in a CEL expression, written out as something else before it is compiled.

For functions that are not the library's: Python functions given to it cost a conversion and leak memory on each call
(cel-expr-python 0.1.3). Owns where a call begins and ends; strings and comments are passed over.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_TOKENS = r"""
      (?P<text> r?\"\"\".*?\"\"\" | r?'''.*?''' | [rR]"[^"\n]*" | [rR]'[^'\n]*'
              | "(?:[^"\\\n]|\\.)*" | '(?:[^'\\\n]|\\.)*' | //[^\n]* )
    | (?P<call> %s )
    | (?P<word> \w+ )
    | (?P<open> \( ) | (?P<close> \) )
    | (?P<other> . )
    """


@dataclass(frozen=True)
class Calls:
    """Calls whose beginning, up to the opening parenthesis, is what the verbose pattern `begin` matches. Their
    arguments stay, between `head` and `tail`."""

    begin: str
    head: str
    tail: str

    def rewritten(self, expression: str) -> str:
        """The expression with each of the calls, nested ones too, written out."""
        parts: list[str] = []
        tails: list[str] = []
        for token in re.finditer(_TOKENS % self.begin, expression, re.VERBOSE | re.DOTALL):
            part = token[0]
            if token["call"]:
                tails.append(self.tail)
                part = self.head
            elif token["open"]:
                tails.append(")")
            elif token["close"] and tails:
                part = tails.pop()
            parts.append(part)
        return "".join(parts)
