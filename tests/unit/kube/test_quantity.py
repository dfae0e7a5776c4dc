"""Sums of quantities as nodes report them."""

from __future__ import annotations

import pytest

from controllers.kube.quantity import amount, total


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
