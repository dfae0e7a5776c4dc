"""CEL: what it computes, what of an object it needs, and OCM's function."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.decide.cel import COMPILERS, CelError
from agent.decide.cel_functions import expanded
from agent.decide.reach import EVERYTHING, Reach, cut, joined, reach_of

ENDED = (
    "has(object.status) && has(object.status.phase) && "
    "object.status.phase in ['Succeeded', 'Failed', 'Error']"
)


def evaluate(expression: str, live: dict[str, Any]) -> Any:
    return COMPILERS["rule"](expression)({"object": cut(live, reach_of(expression))})[1]


@pytest.mark.parametrize(
    ("expression", "live", "expected"),
    [
        (ENDED, {}, False),
        (ENDED, {"status": {}}, False),
        (ENDED, {"status": {"phase": "Running"}}, False),
        (ENDED, {"status": {"phase": None}}, False),
        (ENDED, {"status": {"phase": "Failed"}}, True),
        ("object.n == 1", {"n": 1.0}, True),
        ("object.n == 1.0", {"n": 1}, True),
        ("object.n >= 1.5", {"n": 2}, True),
        ("object.n + 1 == 2", {"n": 1}, True),
        ("object.n == 9007199254740993", {"n": 9007199254740993}, True),
        ("object.x == null", {"x": None}, True),
        ("object['a-b']", {"a-b": True}, True),
        ("object.?status.?phase.orValue('none')", {}, "none"),
        ("object.s.split(',')[1].upperAscii()", {"s": "a,b"}, "B"),
        ("timestamp(object.t) < timestamp('2026-01-01T00:00:00Z')", {"t": "2025-01-01T00:00:00Z"}, True),
        ("object.l.exists(c, c.type == 'A')", {"l": [{"type": "A"}]}, True),
        ("true || object.absent", {}, True),
    ],
)
def test_evaluation(expression: str, live: dict[str, Any], expected: Any) -> None:
    assert evaluate(expression, live) == expected


@pytest.mark.parametrize(
    ("expression", "live", "message"),
    [
        ("object.a", {}, 'Key not found in map : "a"'),
        ("object.n + 1 == 2", {"n": 1.5}, r"No matching overloads found : _\+_\(double, int64\)"),
        ("object.status.phase == 'x'", {"status": None}, "Applying SELECT to non-message type"),
        ("object.l.all(a, object.l.all(b, object.l.all(c, true)))", {"l": list(range(99))}, "budget"),
        ("1 / object.n", {"n": 0}, "divide by zero"),
    ],
)
def test_evaluation_errors(expression: str, live: dict[str, Any], message: str) -> None:
    with pytest.raises(CelError, match=message) as raised:
        evaluate(expression, live)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("object.", "Syntax error"),
        ("", "Syntax error"),
        ("badcel", r"^ERROR: <input>:1:1: undeclared reference to 'badcel' \(in container ''\)$"),
        ("result", "undeclared reference to 'result'"),
        ("'a' + 1", "found no matching overload"),
        ("quantity('1Gi')", "undeclared reference to 'quantity'"),
    ],
)
def test_compile_errors(expression: str, message: str) -> None:
    with pytest.raises(CelError, match=message) as raised:
        COMPILERS["rule"](expression)
    assert "\n" not in str(raised.value)


def test_programs_are_compiled_once() -> None:
    assert COMPILERS["rule"]("object.a == 1") is COMPILERS["rule"]("object.a == 1")


# -- hasConditions ---------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("null", False),
        ('{"some": "value"}', False),
        ('{"conditions": null}', False),
        ('{"conditions": []}', False),
        ('{"conditions": {}}', False),
        ("'{\"conditions\": [1]}'", False),
        ('{"conditions": [{"type": "Ready"}]}', True),
        ("object.status", True),
        ("(object).status", True),
        ("object['status']", True),
    ],
)
def test_has_conditions(argument: str, expected: bool) -> None:
    live = {"status": {"conditions": [{"type": "Ready"}]}}
    assert evaluate(f"hasConditions({argument})", live) is expected
    assert evaluate(f"!(hasConditions ( {argument} ) && (true)) || false", live) is not expected


@pytest.mark.parametrize(
    "expression",
    [
        "object.a",
        "'hasConditions(x)'",
        r"'it\'s hasConditions(x)'",
        '"""a "quoted" hasConditions(x)"""',
        r"r'\hasConditions(x)'",
        "myhasConditions(x)",
        "object.hasConditions(x)",
        "hasConditions",
    ],
)
def test_what_is_no_call_is_left_alone(expression: str) -> None:
    assert expanded(expression) == expression


# -- reach -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("object.status.phase == 'x'", {"status": {"phase": None}}),
        (ENDED, {"status": {"phase": None}}),
        ("has(object.status)", {"status": {}}),
        ("has( object . status . phase )", {"status": {"phase": {}}}),
        ("has(object.status) || object.status == 1", {"status": None}),
        ("object.status.conditions.exists(c, c.type == 'A')", {"status": {"conditions": None}}),
        ("object.?status.?phase.orValue('')", {"status": {"phase": None}}),
        ("has(object.?status)", {"status": None}),
        ("object.metadata.labels['object']", EVERYTHING),
        ("object.metadata.labels['x'] == object.kind", {"metadata": {"labels": None}, "kind": None}),
        ("hasConditions(object.status)", {"status": None}),
        ("size(object.spec.templates)", {"spec": {"templates": None}}),
        ("object.size() == 1", EVERYTHING),
        ("object.all(k, true)", EVERYTHING),
        ("object['status']", EVERYTHING),
        ("object == {}", EVERYTHING),
        ("[object].map(o, o.x)", EVERYTHING),
        ("object.status.size // why\n ()", EVERYTHING),
        ("objects.a == my_object.b", {}),
        ("true", {}),
    ],
)
def test_reach(expression: str, expected: Reach) -> None:
    assert reach_of(expression) == expected


def test_joined_and_cut() -> None:
    reach = joined([{"a": {"b": None}}, {"a": {"c": {}}, "d": {}}])
    assert reach == {"a": {"b": None, "c": {}}, "d": {}}
    assert joined([reach, EVERYTHING]) is EVERYTHING
    live = {"a": {"b": [1], "c": {"x": 1}, "e": 1}, "d": [1], "f": 1}
    assert cut(live, reach) == {"a": {"b": [1], "c": {}}, "d": []}
    assert cut({"a": 3}, reach) == {"a": 3}
    assert cut(live, EVERYTHING) is live


_NAMES = st.sampled_from(["a", "b", "c"])
_LIVE = st.dictionaries(
    _NAMES,
    st.recursive(
        st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["x", "yy"]),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=3),
        max_leaves=12,
    ),
    max_size=3,
)
_EXPRESSIONS = st.sampled_from(
    [
        "has(object.a)",
        "has(object.a) && has(object.a.b) && object.a.b == 'x'",
        "has(object.a.b) ? object.a.b.c == 1 : has(object.b)",
        "object.a.exists(k, k == 'b')",
        "object.a.b.all(x, x == object.c)",
        "size(object.a) > 1 && has(object.a.c)",
        "object.?a.?b.hasValue()",
        "object.exists(k, k == 'c')",
        "'b' in object.a || object.b in object.a",
        "object.a == object.b",
        "hasConditions(object.a) || has(object.a)",
        "type(object.a) == map",
        "object.a.map(object, object.b) == []",
        "cel.bind(object, {'a': {'b': 1}}, object.a.b == 1)",
    ]
)


def outcome(expression: str, live: dict[str, Any], *, whole: bool) -> Any:
    seen = live if whole else cut(live, reach_of(expression))
    try:
        return COMPILERS["rule"](expression)({"object": seen})
    except CelError as error:
        return str(error)


@given(_EXPRESSIONS, _LIVE)
def test_cutting_changes_no_result(expression: str, live: dict[str, Any]) -> None:
    assert outcome(expression, live, whole=False) == outcome(expression, live, whole=True)
