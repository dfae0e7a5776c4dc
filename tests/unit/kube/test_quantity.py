"""Quantities as numbers, and their sums as nodes report them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given

from controllers.kube.quantity import amount, total
from tests.unit.odd import TEXTS


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["4", "8"], "12"),
        (["3920m", "80m"], "4"),
        (["3920m", "4"], "7920m"),
        (["1Gi", "1Mi"], "1049600Ki"),
        (["16323256Ki"], "16323256Ki"),
        (["110"], "110"),
        ([], "0"),
    ],
)
def test_quantities_add_up(values: list[str], expected: str) -> None:
    assert total(values) == expected


@pytest.mark.parametrize("text", ["1e400", "-1e400", "9" * 400, "9" * 5000 + "Ki", "NaN", "Infinity", "sNaN"])
def test_what_is_no_finite_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        amount(text)


def test_what_is_no_quantity_is_refused() -> None:
    with pytest.raises(ValueError):
        total(["4", "many"])


@pytest.mark.parametrize(
    ("quantity", "expected"),
    [
        *(("4", 4), ("2.5", 2.5), ("3920m", 3.92), ("1k", 1000), ("2Ki", 2048), ("16Gi", 2**34), (7, 7)),
        *(("-1", -1), ("1e3", 1000), ("1E", 1e18), ("100n", 1e-7)),
    ],
)
def test_amounts(quantity: str | int, expected: float) -> None:
    assert amount(quantity) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    "quantity",
    [
        *("", "m", "4 cores", "1kB", "2mi", "NaN", "sNaN", "NaNk", "inf", "-Infinity", "1e400", "-1e400"),
        *("9" * 400, "9" * 5000, pytest.param(10**400, id="int"), "1e999999999", "1e999999999E"),
    ],
)
def test_what_no_number_holds_is_no_quantity(quantity: str | int) -> None:
    with pytest.raises(ValueError):
        amount(quantity)
    with pytest.raises(ValueError):
        total(["4", str(quantity)])


@given(TEXTS)
def test_any_text_is_a_number_or_refused(text: str) -> None:
    for read in (amount, lambda one: float(total([one]).removesuffix("m").removesuffix("Ki"))):
        try:
            found = read(text)
        except ValueError:
            continue
        assert math.isfinite(found)
