"""Patches as the API server carries them out: what they guard, and what they say of who writes."""

from __future__ import annotations

import json
from typing import Any

import jsonpatch
import pytest

from controllers.kube.patch import Patch, apply_patch, finalizer_patch, json_patch, merge_patch


def carried_out(patch: Patch, metadata: dict[str, Any]) -> Any:
    assert patch.content_type == "application/json-patch+json"
    return jsonpatch.JsonPatch(json.loads(patch.body)).apply({"metadata": {"uid": "u", **metadata}})


@pytest.mark.parametrize(
    ("current", "desired"), [(["a"], ["a", "b"]), (["a", "b"], []), ([], ["a"]), ([], ["a", "b"])]
)
def test_finalizers_become_what_they_shall_be(current: list[str], desired: list[str]) -> None:
    there = {"finalizers": current} if current else {"finalizers": None}
    done = carried_out(finalizer_patch(current, desired, uid="u"), there)
    assert done == {"metadata": {"uid": "u", "finalizers": desired}}


@pytest.mark.parametrize(
    ("current", "there"),
    [
        (["a"], {"finalizers": ["a", "b"]}),
        (["a"], {"finalizers": ["b"]}),
        (["a"], {"finalizers": ["a"], "uid": "another"}),
        ([], {"finalizers": ["b"]}),
        ([], {"finalizers": None, "uid": "another"}),
    ],
)
def test_finalizers_that_changed_meanwhile_or_of_another_object_stay(
    current: list[str], there: dict[str, Any]
) -> None:
    with pytest.raises(jsonpatch.JsonPatchTestFailed):
        carried_out(finalizer_patch(current, ["mine"], uid="u"), there)


def test_an_operation_that_there_is_not_is_refused() -> None:
    with pytest.raises(jsonpatch.InvalidJsonPatch):
        json_patch([{"op": "ad", "path": "/metadata/labels", "value": {}}])


@pytest.mark.parametrize(("force", "said"), [(True, "true"), (False, "false")])
def test_an_apply_says_who_applies_and_whether_it_takes_over(force: bool, said: str) -> None:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "b"}}
    encoded = json.dumps(body).encode()
    for given in (body, encoded):
        patch = apply_patch(given, field_manager="me", force=force)
        assert patch.content_type == "application/apply-patch+yaml"
        assert json.loads(patch.body) == body
        assert patch.query == (("fieldManager", "me"), ("force", said))
    assert apply_patch(encoded, field_manager="me").query == (("fieldManager", "me"), ("force", "false"))


def test_a_merge_patch_is_guarded_only_when_it_is_asked_for() -> None:
    patch = merge_patch({"status": {"a": 1}})
    assert (patch.content_type, patch.query) == ("application/merge-patch+json", ())
    assert json.loads(patch.body) == {"status": {"a": 1}}
    guarded = merge_patch({"status": {"a": 1}}, resource_version="7")
    assert json.loads(guarded.body) == {"status": {"a": 1}, "metadata": {"resourceVersion": "7"}}
