"""Label selectors, against the rules of apimachinery."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from controllers.api.meta import LabelSelector
from controllers.selectors import InvalidSelector, compile_selector

LABELS = {"env": "prod", "zone": "a", "empty": ""}


def selector(*expressions: tuple[str, str, list[str]], **labels: str) -> LabelSelector:
    requirements: list[dict[str, Any]] = [
        {"key": key, "operator": operator, "values": values} for key, operator, values in expressions
    ]
    return msgspec.convert({"matchLabels": labels, "matchExpressions": requirements}, LabelSelector)


@pytest.mark.parametrize(
    ("given", "matches"),
    [
        (LabelSelector(), True),
        (selector(env="prod"), True),
        (selector(env="prod", zone="b"), False),
        (selector(missing="x"), False),
        (selector(empty=""), True),
        (selector(missing=""), False),
        (selector(("env", "In", ["dev", "prod"])), True),
        (selector(("env", "In", ["dev"])), False),
        (selector(("missing", "In", ["x"])), False),
        (selector(("env", "NotIn", ["prod"])), False),
        (selector(("env", "NotIn", ["dev"])), True),
        (selector(("missing", "NotIn", ["x"])), True),
        (selector(("zone", "Exists", [])), True),
        (selector(("empty", "Exists", [])), True),
        (selector(("missing", "Exists", [])), False),
        (selector(("zone", "DoesNotExist", [])), False),
        (selector(("missing", "DoesNotExist", [])), True),
        (selector(("zone", "Exists", []), ("env", "In", ["dev"])), False),
        (selector(("zone", "In", ["a"]), env="prod"), True),
        (selector(("zone", "In", ["b"]), env="prod"), False),
    ],
)
def test_matches(given: LabelSelector, matches: bool) -> None:
    assert compile_selector(given, "here").matches(LABELS) is matches


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (selector(("a", "Near", ["b"])), "operator 'Near' is not In, NotIn, Exists or DoesNotExist"),
        (selector(("a", "In", [])), "operator In needs values"),
        (selector(("a", "NotIn", [])), "operator NotIn needs values"),
        (selector(("a", "Exists", ["b"])), "operator Exists takes no values"),
        (selector(("a", "DoesNotExist", ["b"])), "operator DoesNotExist takes no values"),
        (selector(("", "Exists", [])), "'' is not a label key"),
        (selector(("/a", "Exists", [])), "'/a' is not a label key"),
        (selector(("a b", "Exists", [])), "'a b' is not a label key"),
        (selector(("Upper.example/a", "Exists", [])), "'Upper.example/a' is not a label key"),
        (selector(("a", "In", ["b c"])), "'b c' is not a label value"),
        (selector(("a", "In", ["b" * 64])), f"'{'b' * 64}' is not a label value"),
    ],
)
def test_a_broken_expression_is_named(given: LabelSelector, message: str) -> None:
    with pytest.raises(InvalidSelector) as raised:
        compile_selector(given, "spec.x")
    assert str(raised.value) == f"spec.x.matchExpressions[0]: {message}"


def test_a_broken_label_is_named() -> None:
    with pytest.raises(InvalidSelector) as raised:
        compile_selector(selector(zone="not/a/value"), "spec.x")
    assert str(raised.value) == "spec.x.matchLabels: 'not/a/value' is not a label value"


@pytest.mark.parametrize("key", ["a", "A-b_c.d", "example.com/a", "a" * 63, f"{'a' * 253}/b"])
def test_keys_that_kubernetes_takes(key: str) -> None:
    assert compile_selector(selector((key, "Exists", [])), "here").matches({key: "x"})
