"""Kubernetes quantities ("3920m", "16Gi") as numbers and as sums, with the client library's own arithmetic.

The library is imported with the first quantity: all of it comes along, which takes 30 MB of memory, and many a
process meets none.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from decimal import Decimal
from functools import lru_cache
from typing import Final

from controllers.api.echo import echoed

# A number without a suffix, which needs no library.
_PLAIN = re.compile(r"[0-9]+(\.[0-9]+)?")

# Sums of more digits, or of less than a billionth, are nobody's.
_DIGITS: Final = 28
_FINEST: Final = Decimal("1e-9")


def total(quantities: Iterable[str]) -> str:
    """The sum, in the suffix that reads best: Ki for amounts of bytes, m or none for the rest.

    Raises ValueError for text that is no quantity, and for a sum that nothing has.
    """
    from kubernetes.utils.quantity import format_quantity

    values = list(quantities)
    try:
        amount = sum(map(_parsed, values), Decimal(0))
    except ArithmeticError as error:
        raise ValueError(f"{values} have no sum") from error
    if not amount.is_finite() or amount.adjusted() >= _DIGITS:
        raise ValueError(f"{values} have no sum")
    if amount != amount.to_integral_value() and abs(amount) < _FINEST:
        amount = Decimal(0)  # written out, 1e-999999 takes a megabyte
    if any("i" in value for value in values):
        return str(format_quantity(amount, "Ki"))
    if amount != amount.to_integral_value():
        return str(format_quantity(amount, "m"))
    return str(amount.quantize(Decimal(1)))


@lru_cache(maxsize=16384)
def amount(quantity: str | int) -> float:
    """The quantity as a number, in bytes or cores or whatever is counted.

    Raises ValueError for other text, and for what is endless or no number at all: `1e400` passes the patterns of our
    CRDs, and would spoil whatever it is compared with or added to.
    """
    text = str(quantity)
    found = float(text) if _PLAIN.fullmatch(text) else float(_parsed(text))
    if not math.isfinite(found):
        raise ValueError(f"{echoed(text)!r} is more than a number can hold, or none")
    return found


def _parsed(quantity: str | int) -> Decimal:
    from kubernetes.utils.quantity import parse_quantity

    found: Decimal = parse_quantity(quantity)  # type: ignore[no-untyped-call]
    return found
