"""Merge patches against RFC 7386, for any documents."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.kube.errors import AlreadyExists, ApiError, Conflict, Expired, Unavailable, from_status
from controllers.kube.patch import finalizer_patch, merge_diff, merge_patch

# No nulls: the wire has none that matter, and a merge patch cannot carry them.
LEAVES = st.booleans() | st.integers() | st.text(max_size=5)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcd"), inner),
    max_leaves=8,
)
DOCUMENTS = st.dictionaries(st.sampled_from("abcd"), VALUES)


def apply(target: Any, patch: Any) -> Any:
    """RFC 7386, section 2, as its pseudo-code reads."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = apply(result.get(key), value)
    return result


@given(old=DOCUMENTS, new=DOCUMENTS)
def test_the_difference_makes_old_into_new(old: dict[str, Any], new: dict[str, Any]) -> None:
    patch = merge_diff(old, new)
    assert (patch is None) == (old == new)
    assert apply(old, patch or {}) == new


def test_only_what_differs_is_sent() -> None:
    old = {"phase": "Running", "nodes": {"a": {"phase": "Running"}, "b": {"phase": "Pending"}}}
    new = {"phase": "Running", "nodes": {"a": {"phase": "Succeeded"}, "b": {"phase": "Pending"}}}
    assert merge_diff(old, new) == {"nodes": {"a": {"phase": "Succeeded"}}}


def test_a_guard_is_added_beside_other_metadata() -> None:
    patch = merge_patch({"metadata": {"labels": {"a": "b"}}}, resource_version="7")
    assert json.loads(patch.body) == {"metadata": {"labels": {"a": "b"}, "resourceVersion": "7"}}


def test_a_finalizer_patch_tests_before_it_writes() -> None:
    operations = json.loads(finalizer_patch(["a"], ["a", "b"], uid="u").body)
    assert [item["op"] for item in operations] == ["test", "test", "replace"]


@pytest.mark.parametrize(
    ("code", "reason", "kind"),
    [
        (409, "AlreadyExists", AlreadyExists),
        (409, "Conflict", Conflict),
        (410, "Expired", Expired),
        (503, "", Unavailable),
        (418, "", ApiError),
    ],
)
def test_an_error_is_known_by_its_code_and_reason(code: int, reason: str, kind: type[ApiError]) -> None:
    body = json.dumps({"kind": "Status", "message": "words", "reason": reason, "code": code}).encode()
    error = from_status(code, body, "3")
    assert type(error) is kind
    assert error.retry_after == 3


def test_a_proxys_error_page_is_still_an_error() -> None:
    error = from_status(502, b"<html>bad gateway</html>")
    assert isinstance(error, Unavailable)
    assert "bad gateway" in error.message
