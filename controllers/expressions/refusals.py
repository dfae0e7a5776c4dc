"""Expressions that went over a bound, and for how long they are not tried again. Pure but for the clock it is given.

One document that makes an expression dear says little of others: a cluster's owner may have bloated what the cluster
reports. After three of them the expression itself is to blame.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from controllers.expressions.bounds import ENOUGH

# Seconds until an expression that went over a bound is tried again.
PENALTY: Final = 600.0
_KEPT: Final = 10_000
# Stands for all subjects: the expression ended the worker before it had seen a document.
_ANY: Final = ""

Key = tuple[str, str]


class Refusals:
    """By environment and expression. `clock`: monotonic seconds. What is kept is bounded, whatever users try."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._known: OrderedDict[Key, dict[str, tuple[float, str]]] = OrderedDict()

    def add(self, key: Key, why: str, subject: str = _ANY) -> None:
        """`subject`: whom the document is about, in all its versions; none: it is the expression's own fault."""
        known = self._living(key)
        if subject == _ANY or len(known) < ENOUGH:
            known[subject] = (self._clock() + PENALTY, why)
        self._known[key] = known
        self._known.move_to_end(key)
        if len(self._known) > _KEPT:
            self._known.popitem(last=False)

    def of(self, key: Key, subject: str) -> str | None:
        """The bound that the expression went over, if it is not to be tried on this subject now."""
        found = self._living(key).get(subject)
        return None if found is None else found[1]

    def of_all(self, key: Key) -> str | None:
        """The bound that the expression went over, if it is not to be tried on anything now."""
        known = self._living(key)
        if _ANY in known:
            return known[_ANY][1]
        return next(iter(known.values()))[1] if len(known) >= ENOUGH else None

    def _living(self, key: Key) -> dict[str, tuple[float, str]]:
        if key not in self._known:
            return {}
        now = self._clock()
        return {name: item for name, item in self._known[key].items() if item[0] > now}
