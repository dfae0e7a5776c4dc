"""What is cut off JSON that is too deep: nothing that anybody needs to know which object it is."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.kube.shallow import head, split

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8"), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=20,
)
NAMES = st.text(st.sampled_from('ab"\\[]{}:,é\n'), min_size=1, max_size=6)
METADATA = st.fixed_dictionaries(
    {"name": NAMES, "labels": st.dictionaries(NAMES, NAMES, max_size=2)},
    optional={
        "ownerReferences": st.lists(st.fixed_dictionaries({"name": NAMES, "uid": NAMES}), max_size=2),
        "managedFields": st.lists(st.fixed_dictionaries({"manager": NAMES, "fieldsV1": JSON}), max_size=2),
    },
)


def nested(levels: int) -> Any:
    inner: Any = 1
    for number in range(levels):
        inner = [inner] if number % 2 else {"a": inner}
    return inner


def cut(value: Any, levels: int) -> Any:
    """`value` with everything emptied that is nested more deeply than `levels`."""
    if isinstance(value, dict):
        return {key: cut(inner, levels - 1) for key, inner in value.items()} if levels > 0 else {}
    if isinstance(value, list):
        return [cut(inner, levels - 1) for inner in value] if levels > 0 else []
    return value


@given(metadata=METADATA, before=JSON, after=JSON, ascii_only=st.booleans())
def test_the_head_of_an_object_has_its_metadata_and_what_stands_before(
    metadata: Any, before: Any, after: Any, *, ascii_only: bool
) -> None:
    body = {"apiVersion": "v1", "before": before, "kind": "metadata", "metadata": metadata, "spec": after}
    found = json.loads(head(json.dumps(body, ensure_ascii=ascii_only).encode()))
    assert found == cut({key: value for key, value in body.items() if key != "spec"}, 4)


@given(metadata=METADATA, after=JSON)
def test_the_head_of_an_event_has_its_type_and_the_metadata(metadata: Any, after: Any) -> None:
    event = {"type": "ADDED", "object": {"kind": "X", "metadata": metadata, "spec": {"metadata": after}}}
    found = json.loads(head(json.dumps(event).encode(), level=2))
    assert found == {"type": "ADDED", "object": {"kind": "X", "metadata": cut(metadata, 3)}}


@pytest.mark.parametrize("key", ['a"metadata', 'a\\"metadata', "metadata\\", 'metadata"', "[", "{}"])
def test_a_key_that_looks_like_it_is_another(key: str) -> None:
    body = {key: {"name": "forged"}, "metadata": {"name": "genuine"}}
    assert json.loads(head(json.dumps(body, separators=(",", ":")).encode())) == body


@given(items=st.lists(st.dictionaries(NAMES, JSON, min_size=1, max_size=3), max_size=4), first=st.booleans())
def test_a_list_falls_into_its_items_and_the_rest(items: list[Any], *, first: bool) -> None:
    rest = {"kind": "items", "metadata": {"items": [{}], "resourceVersion": "5"}}
    body = {"items": items} | rest if first else rest | {"items": items}
    raws, left = split(json.dumps(body).encode())
    assert [json.loads(raw) for raw in raws] == items
    assert json.loads(left) == rest | {"items": []}


@pytest.mark.parametrize("listed", [b'{"items":null,"metadata":{}}', b'{"metadata":{}}'])
def test_a_list_without_items_is_left_as_it_is(listed: bytes) -> None:
    assert split(listed) == ([], listed)


def test_ten_thousand_levels_are_no_more_work_than_their_bytes() -> None:
    deep = json.dumps(nested(899)).replace("1", "[" * 9000 + "]" * 9000)
    raw = b'{"metadata":{"managedFields":[{"fieldsV1":%s}],"name":"a"},"spec":%s}' % (
        deep.encode(),
        b"[]," * 400_000,
    )
    began = time.process_time()
    assert json.loads(head(raw)) == {"metadata": {"managedFields": [{"fieldsV1": {}}], "name": "a"}}
    assert time.process_time() - began < 0.5, "what stands behind the metadata is not read"
