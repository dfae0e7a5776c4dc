"""Objects as they come over the wire."""

from __future__ import annotations

import msgspec
import pytest

from controllers.api.workflow import Workflow
from controllers.kube.object import Object, decode_list

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


@pytest.mark.parametrize("raw", [b"{}", b"[]", b'{"metadata":3}', b"", b"<html>"])
def test_what_is_no_object_is_refused(raw: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        Object(raw)


def test_a_list_gives_its_objects_version_and_continue_token() -> None:
    body = b'{"metadata":{"resourceVersion":"9","continue":"t"},"items":[' + RAW + b"]}"
    objects, version, token = decode_list(body)
    assert ([item.key for item in objects], version, token) == ([("n", "a")], "9", "t")


@pytest.mark.parametrize("body", [b'{"metadata":{"resourceVersion":"9"},"items":null}', b'{"metadata":{}}'])
def test_an_empty_list_has_no_objects(body: bytes) -> None:
    assert decode_list(body)[0] == []
