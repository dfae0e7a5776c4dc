"""Objects as they come over the wire."""

from __future__ import annotations

import json
from typing import Any

import pytest

from controllers.api.cluster import ManagedCluster
from controllers.api.workflow import Workflow
from controllers.kube.object import (
    TOO_DEEP,
    Object,
    TypeMeta,
    Unreadable,
    decode_deep_list,
    decode_list,
    readable,
)

RAW = (
    b'{"apiVersion":"argoproj.io/v1alpha1","kind":"Workflow","metadata":{"name":"a","namespace":"n","uid":"u",'
    b'"resourceVersion":"7","managedFields":[{"manager":"x"}]},"spec":{"unknown":[1]},"status":{"phase":"Running"}}'
)


def test_metadata_is_there_and_the_rest_is_decoded_when_asked_for() -> None:
    found = Object(RAW)
    assert found.key == ("n", "a")
    assert found.decode(Workflow).status.phase == "Running"
    assert found.to_dict()["spec"] == {"unknown": [1]}
    assert found.type_meta().kind == "Workflow"


def test_each_dict_is_the_callers_own() -> None:
    found = Object(RAW)
    found.to_dict()["spec"]["unknown"].append(2)
    assert found.to_dict()["spec"] == {"unknown": [1]}


@pytest.mark.parametrize(
    ("newer", "older", "expected"),
    [("10", "9", True), ("9", "10", False), ("9", "9", False), ("1", "", True)],
)
def test_versions_compare_as_numbers(newer: str, older: str, *, expected: bool) -> None:
    objects = [Object(RAW.replace(b'"7"', f'"{version}"'.encode())) for version in (newer, older)]
    assert objects[0].newer_than(objects[1]) is expected


@pytest.mark.parametrize(
    "raw", [b"{}", b"[]", b'{"metadata":3}', b"", b"<html>", b'{"metadata":{"labels":null}}', b"[" * 5000]
)
def test_what_is_no_object_is_refused(raw: bytes) -> None:
    with pytest.raises(Unreadable):
        Object(raw)


# -- broken content --------------------------------------------------------------------------------------
def body(**parts: bytes) -> bytes:
    """An object with these further parts of metadata (`meta`) and of the whole."""
    meta = parts.pop("meta", b"")
    head = (
        b'{"apiVersion":"v1","kind":"X","metadata":{"annotations":{"a":"b"}%s,"name":"a","namespace":"n",'
        % meta
    )
    fields = b"".join(b',"%s":%s' % (name.encode(), value) for name, value in parts.items())
    return head + b'"resourceVersion":"7","uid":"u"}' + fields + b"}"


DEEP = b'{"a":' * 5000 + b"1" + b"}" * 5000


@pytest.mark.parametrize(
    ("raw", "why", "annotations"),
    [
        (body(spec=DEEP), TOO_DEEP, {"a": "b"}),
        (body(meta=b',"managedFields":[{"fieldsV1":%s}]' % DEEP), TOO_DEEP, {"a": "b"}),
        (body(meta=b',"labels":null'), "$.metadata.labels", {}),
        (body(meta=b',"finalizers":{"a":1}'), "$.metadata.finalizers", {}),
        (body(meta=b',"labels":{"a":"\xff"}'), "utf-8", {}),
    ],
)
def test_an_object_whose_content_is_broken_is_there_and_cannot_be_read(
    raw: bytes, why: str, annotations: dict[str, str]
) -> None:
    found = Object(raw)
    assert (found.key, found.metadata.uid, found.metadata.resource_version) == (("n", "a"), "u", "7")
    assert found.metadata.annotations == annotations
    assert len(found.raw) < 300, "nothing of what cannot be read is kept"
    for read in (found.to_dict, lambda: found.decode(Workflow)):
        with pytest.raises(Unreadable, match="n/a cannot be read") as caught:
            read()
        assert caught.value.item is found
        assert why in caught.value.why
    assert Object(found.reduced().raw).key == ("n", "a")


def test_a_kind_is_known_even_of_what_is_too_deep() -> None:
    assert Object(body(spec=DEEP)).type_meta() == TypeMeta("v1", "X")


def cluster(name: str, **spec: Any) -> Object:
    return Object(json.dumps({"metadata": {"name": name, "namespace": ""}, "spec": spec}).encode())


TAINTED = cluster("bad", taints=[{"key": "a", "effect": "NoSelect", "timeAdded": []}])


def test_an_array_where_a_time_is_declared_is_named_with_its_place() -> None:
    with pytest.raises(Unreadable) as caught:
        TAINTED.decode(ManagedCluster)
    assert caught.value.why.endswith("got `array` - at `$.spec.taints[0].timeAdded`")


def test_one_that_cannot_be_read_is_passed_over_among_many() -> None:
    many = [cluster("a"), TAINTED, cluster("b")]
    assert [item.metadata.name for item in readable(many, ManagedCluster)] == ["a", "b"]


def test_a_list_with_something_too_deep_in_it_has_all_its_objects() -> None:
    items = b",".join((RAW, body(spec=DEEP), b"{}", RAW))
    listed = b'{"apiVersion":"v1","items":[%s],"metadata":{"resourceVersion":"9","continue":"t"}}' % items
    with pytest.raises(RecursionError):
        decode_list(listed)
    objects, version, token = decode_deep_list(listed)
    assert ([item.key for item in objects], version, token) == ([("n", "a")] * 3, "9", "t")
    assert [bool(item.fault) for item in objects] == [False, True, False]


def test_a_list_gives_its_objects_version_and_continue_token() -> None:
    body = b'{"metadata":{"resourceVersion":"9","continue":"t"},"items":[' + RAW + b"]}"
    objects, version, token = decode_list(body)
    assert ([item.key for item in objects], version, token) == ([("n", "a")], "9", "t")


@pytest.mark.parametrize("body", [b'{"metadata":{"resourceVersion":"9"},"items":null}', b'{"metadata":{}}'])
def test_an_empty_list_has_no_objects(body: bytes) -> None:
    assert decode_list(body)[0] == []
