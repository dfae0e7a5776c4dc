"""Attempts are counted by the clusters that were tried."""

from __future__ import annotations

import pytest

from controllers.api import keys
from controllers.api.attempts import attempt, attempt_of, mark, next_attempt, tried


@pytest.mark.parametrize(("value", "number"), [(None, 1), ("", 1), ("c1", 1), ("c1,c2", 2), ("c1,c2,c1", 3)])
def test_number(value: str | None, number: int) -> None:
    annotations = {keys.ATTEMPTS_ANNOTATION: value} if value is not None else {}
    assert attempt(annotations) == number
    assert attempt_of(mark(number)) == number


def test_the_first_attempt_is_not_marked() -> None:
    assert mark(1) == {}
    assert attempt_of({}) == 1
    assert attempt_of({keys.ATTEMPT_ANNOTATION: "nonsense"}) == 1


def test_next() -> None:
    first = {keys.CLUSTER_ANNOTATION: "c1"}
    second = {keys.CLUSTER_ANNOTATION: "c2", keys.ATTEMPTS_ANNOTATION: next_attempt(first, "c2")}
    assert tried(second) == ["c1", "c2"]
    assert next_attempt(second, "c1") == "c1,c2,c1"


@pytest.mark.parametrize("digits", ["9" * 10, "9" * 5000, "²", "-1", "1e3"])
def test_a_number_that_nobody_counts_to_is_none(digits: str) -> None:
    assert attempt_of({keys.ATTEMPT_ANNOTATION: digits}) == 1
