"""What has to change in an object: three ways, by who owns what."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.decide.difference import SAME, Leaving, difference, fits, patched, stated, touched, whole
from agent.decide.fields import Fields, fields_of, owners

Json = dict[str, Any]

NOBODY = Fields(None, None)


def keyed(**fields: Any) -> str:
    return "k:" + json.dumps(fields)


def brought(wanted: Any, live: Any, fields: Fields = NOBODY, leaving: Leaving | None = None) -> Any:
    """What becomes of `live`."""
    patch = difference(wanted, live, fields, leaving)
    return live if patch is SAME else patched(live, patch)


LEAVING = Leaving()
A, B, C = ({"name": name, "value": "1"} for name in "abc")
ITEM: Json = {".": {}, "f:name": {}, "f:value": {}}
WHOLE = Fields({"f:w": {}}, None)
OURS_AB = {keyed(name="a"): ITEM, keyed(name="b"): ITEM}


@pytest.mark.parametrize(
    ("wanted", "live", "fields", "after"),
    [
        pytest.param({"a": 1}, {"a": 1, "b": 2}, Fields({"f:a": {}, "f:b": {}}, None), {"a": 1}, id="ours"),
        pytest.param({"a": 1}, {"a": 1, "b": 2}, Fields({"f:a": {}}, {"f:b": {}}), {"a": 1, "b": 2}, id="theirs"),
        pytest.param({"a": 1}, {"a": 1, "b": 2}, Fields({"f:b": {}}, {"f:b": {}}), {"a": 1, "b": 2}, id="both's"),
        pytest.param({"a": 1}, {"a": 1, "b": 2}, NOBODY, {"a": 1, "b": 2}, id="nobody's"),
        pytest.param(
            {},
            {"m": {"a": 1, "b": 2}},
            Fields({"f:m": {".": {}, "f:a": {}}}, {"f:m": {"f:b": {}}}),
            {"m": {"b": 2}},
            id="a map of which they own a part",
        ),
        pytest.param(
            {}, {"m": {"a": 1, "b": 2}}, Fields({"f:m": {"f:a": {}}}, None), {"m": {"b": 2}}, id="and nobody"
        ),
        pytest.param({}, {"m": {"a": 1}}, Fields({"f:m": {"f:a": {}}}, None), {}, id="an emptied map"),
        pytest.param(
            {},
            {"m": {"a": 1}},
            Fields({"f:m": {"f:a": {}}}, {"f:m": {".": {}}}),
            {"m": {}},
            id="an emptied map of theirs",
        ),
        pytest.param({"l": [A]}, {"l": [A, B]}, Fields({"f:l": OURS_AB}, None), {"l": [A]}, id="an item"),
        pytest.param(
            {"l": [A]},
            {"l": [B, C, A]},
            Fields({"f:l": OURS_AB}, {"f:l": {keyed(name="c"): ITEM}}),
            {"l": [C, A]},
            id="an item among theirs",
        ),
        pytest.param(
            {"l": [A]},
            {"l": [A, B]},
            Fields({"f:l": OURS_AB}, {"f:l": {keyed(name="b"): {"f:value": {}}}}),
            {"l": [A]},
            id="an item of which they own a field",
        ),
        pytest.param(
            {"l": [A]},
            {"l": [A, B]},
            Fields({"f:l": OURS_AB}, {"f:l": {keyed(name="b"): ITEM}}),
            {"l": [A, B]},
            id="an item of both",
        ),
        pytest.param({}, {"l": [A, B]}, Fields({"f:l": OURS_AB}, None), {}, id="a whole list"),
        pytest.param(
            {},
            {"l": [A, C]},
            Fields({"f:l": OURS_AB}, {"f:l": {keyed(name="c"): ITEM}}),
            {"l": [C]},
            id="all of a list but theirs",
        ),
        pytest.param(
            {"s": ["a"]},
            {"s": ["a", "b", "c"]},
            Fields({"f:s": {'v:"a"': {}, 'v:"b"': {}}}, {"f:s": {'v:"c"': {}}}),
            {"s": ["a", "c"]},
            id="one of a set",
        ),
        pytest.param({"w": [{"x": 1}]}, {"w": [{"x": 1, "y": 2}]}, WHOLE, {"w": [{"x": 1}]}, id="in a whole"),
        pytest.param({"w": {"a": 1}}, {"w": {"a": 1, "b": 2}}, WHOLE, {"w": {"a": 1}}, id="of a whole"),
        pytest.param(
            {"l": [{"name": "a"}]},
            {"l": [A]},
            Fields({"f:l": {keyed(name="a"): ITEM}}, None),
            {"l": [{"name": "a"}]},
            id="a field of an item",
        ),
    ],
)  # fmt: skip
def test_what_is_ours_and_is_named_no_more_leaves(wanted: Any, live: Any, fields: Fields, after: Any) -> None:
    assert brought(wanted, live, fields, LEAVING) == after
    # Not asked to leave, it stays, whoever owns it.
    assert difference(wanted, live, fields) is SAME


@pytest.mark.parametrize(
    ("wanted", "live", "ours", "after"),
    [
        ({}, {"a": 1}, {"f:a": {}}, {"a": 1}),
        ({}, {"a": 1, "b": 2}, {"f:a": {}, "f:b": {}}, {"a": 1}),
        ({"m": {}}, {"m": {"a": 1, "b": 2}}, {"f:m": {"f:a": {}, "f:b": {}}}, {"m": {"a": 1}}),
        ({}, {"m": {"a": 1, "b": 2}}, {"f:m": {"f:a": {}, "f:b": {}}}, {"m": {"a": 1}}),
        ({"l": [B]}, {"l": [A, B]}, {"f:l": OURS_AB}, {"l": [A, B]}),
        ({"l": [B]}, {"l": [A, B, C]}, {"f:l": {**OURS_AB, keyed(name="c"): ITEM}}, {"l": [A, B]}),
    ],
)
def test_what_another_work_names_stays(wanted: Any, live: Any, ours: Any, after: Any) -> None:
    others = Leaving(({"a": 1, "m": {"a": 1}, "l": [{"name": "a"}]},))
    assert brought(wanted, live, Fields(ours, None), others) == after


TCP, UDP = ({"port": 53, "protocol": name} for name in ("TCP", "UDP"))
PORTS = Fields({keyed(port=53, protocol="UDP"): {".": {}, "f:port": {}, "f:protocol": {}}}, None)


@pytest.mark.parametrize(
    ("wanted", "live", "fields", "after"),
    [
        ([A], [C, {**A, "more": 1}], Fields(OURS_AB, None), [C, {**A, "more": 1}]),
        ([{**A, "value": "2"}], [C, A], Fields(OURS_AB, None), [C, {**A, "value": "2"}]),
        ([B, A], [A, C, B], Fields(OURS_AB, None), [B, C, A]),
        ([A, C], [A, B], Fields(OURS_AB, None), [A, B, C]),
        ([{"port": 53}, UDP], [UDP], PORTS, [{"port": 53}, UDP]),
        ([{"port": 53}], [TCP], PORTS, [TCP]),
        # Keys that do not tell the items apart: the list is one.
        ([A, A], [A, B], Fields(OURS_AB, None), [A, A]),
        (["a"], ["b"], Fields({'v:"b"': {}}, None), ["b", "a"]),
        (["a", "b"], ["b"], NOBODY, ["a", "b"]),
        ([{"x": 1}], [{"x": 1, "by default": 2}], NOBODY, [{"x": 1, "by default": 2}]),
        ([{"x": 1}], [{"x": 1}, {"x": 2}], NOBODY, [{"x": 1}]),
        # In a list that can only be written as a whole: by admission, or by somebody since.
        ([{"x": 1}], [{"x": 0}, {"x": 1}], Fields({}, None), [{"x": 0}, {"x": 1}]),
        ([{"x": 1}], [{"x": 0}, {"x": 1}], Fields(None, {}), [{"x": 1}]),
        ([{"x": 1}], [{"x": 1, "theirs": 2}], Fields(None, {}), [{"x": 1}]),
    ],
)
def test_lists_are_brought_by_their_keys(wanted: Any, live: Any, fields: Fields, after: Any) -> None:
    assert brought({"l": wanted}, {"l": live}, _inside(fields)) == {"l": after}
    assert difference({"l": wanted}, {"l": after}, _inside(fields)) is SAME or fields.ours is None


def _inside(fields: Fields) -> Fields:
    return Fields(*(None if node is None else {"f:l": node} for node in fields))


@pytest.mark.parametrize(
    "empty", [{"l": []}, {"data": {}}, {"metadata": {"labels": {}, "annotations": {}}}, {"n": None}]
)
def test_what_a_server_leaves_out_is_no_difference(empty: Json) -> None:
    live: Json = {"metadata": {"name": "x"}}
    assert difference(empty, live, NOBODY) is SAME


def test_an_empty_map_that_says_something_is_one() -> None:
    assert difference({"emptyDir": {}}, {"name": "v"}, NOBODY) == {"emptyDir": {}}


def test_owners_are_those_who_wrote_it_or_the_whole_around_it() -> None:
    entries = [
        {"manager": "leaf", "operation": "Update", "fieldsV1": {"f:a": {"f:b": {}}}},
        {"manager": "whole", "operation": "Apply", "fieldsV1": {"f:a": {}}},
        {"manager": "other", "operation": "Update", "fieldsV1": {"f:a": {"f:c": {}}}},
    ]
    live: Json = {"metadata": {"managedFields": entries}}
    assert [writer.manager for writer in owners(live, ("f:a", "f:b"))] == ["leaf", "whole"]


def test_ours_is_what_agents_wrote_but_no_status() -> None:
    entries = [
        {"manager": "work-agent", "operation": "Update", "fieldsV1": {"f:a": {"f:b": {}}}},
        {"manager": "work-agent", "operation": "Apply", "fieldsV1": {"f:a": {"f:c": {}}}},
        {"manager": "work-agent", "operation": "Update", "subresource": "status", "fieldsV1": {"f:s": {}}},
        {"manager": "kubectl", "operation": "Update", "fieldsV1": {"f:d": {}}},
        "no entry",
    ]
    fields = fields_of({"metadata": {"managedFields": entries}})
    assert fields == Fields({"f:a": {"f:b": {}, "f:c": {}}}, {"f:s": {}, "f:d": {}})
    assert fields_of({}) == NOBODY


# -- properties ------------------------------------------------------------------------------------------
SCALARS = st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(["", "a", "b"])
NAMES = st.sampled_from(["a", "b", "name", "data"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
BODIES = st.dictionaries(NAMES, VALUES, max_size=4)


def recorded(value: Any) -> Json:
    """As a server notes what one has written, lists by name where all items have one that is theirs alone."""
    if isinstance(value, dict):
        return {
            ".": {},
            **{f"f:{name}": recorded(inner) for name, inner in value.items() if inner is not None},
        }
    if isinstance(value, list) and _has_names(value):
        return {".": {}, **{keyed(name=item["name"]): recorded(item) for item in value}}
    return {}


def _has_names(items: list[Any]) -> bool:
    if not items or not all(isinstance(item, dict) for item in items):
        return False
    names = [item.get("name") for item in items]
    return all(isinstance(name, str) for name in names) and len(set(names)) == len(names)


@given(BODIES, BODIES, st.booleans())
def test_what_is_brought_is_there_and_brought_once(wanted: Json, live: Json, leaving: bool) -> None:
    live = stated(live)
    for fields in (NOBODY, Fields(recorded(live), None), Fields(None, recorded(live))):
        after = brought(wanted, live, fields, LEAVING if leaving else None)
        assert difference(wanted, after, fields) is SAME


@given(BODIES, BODIES)
def test_what_we_alone_have_written_leaves_but_what_is_named(wanted: Json, live: Json) -> None:
    live = stated(live)
    after = brought(wanted, live, Fields(recorded(live), None), LEAVING)
    names = {name for name, value in wanted.items() if value is not None}
    assert set(after) <= names


@given(BODIES, BODIES)
def test_what_they_alone_have_written_stays_but_what_is_named(wanted: Json, live: Json) -> None:
    live = stated(live)
    after = brought(wanted, live, Fields(None, recorded(live)), LEAVING)
    unnamed = {name for name in live if wanted.get(name) is None}
    assert {name: after.get(name) for name in unnamed} == {name: live[name] for name in unnamed}


@given(BODIES, BODIES)
def test_a_whole_is_replaced(wanted: Json, live: Json) -> None:
    live = stated(live)
    assert patched(live, whole(wanted, live)) == stated(wanted)


@given(VALUES)
def test_a_value_fits_itself(value: Any) -> None:
    assert fits(value, stated(value))
    assert fits(value, value)


def test_what_a_patch_touches() -> None:
    live = {"a": {"b": 1, "c": 2}, "l": [1]}
    assert touched({"a": {"b": 5}, "l": [2], "n": None}, live) == {"a": {"b": 1}, "l": [1], "n": None}
