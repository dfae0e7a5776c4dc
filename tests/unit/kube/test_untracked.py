"""Whose fields the server may stop tracking: those of objects that nobody has applied, in either way."""

from __future__ import annotations

import pytest

from controllers.api.meta import ManagedFieldsEntry, ObjectMeta
from controllers.kube.patch import JsonObject, untracked

UPDATE, APPLY = ManagedFieldsEntry(operation="Update"), ManagedFieldsEntry(operation="Apply")
CLEARED: JsonObject = {"managedFields": [{}]}
APPLIED = {"kubectl.kubernetes.io/last-applied-configuration": "{}"}


@pytest.mark.parametrize(
    ("entries", "annotations", "expected"),
    [
        ([], {}, {}),
        ([UPDATE], {}, CLEARED),
        ([UPDATE, UPDATE], {"other": "x"}, CLEARED),
        ([APPLY], {}, {}),
        # The usual case under GitOps: a user has applied it, and a controller has updated it.
        ([UPDATE, APPLY], {}, {}),
        ([UPDATE], APPLIED, {}),
    ],
)
def test_nothing_is_cleared_where_somebody_has_applied(
    entries: list[ManagedFieldsEntry], annotations: dict[str, str], expected: JsonObject
) -> None:
    assert untracked(ObjectMeta(managed_fields=entries, annotations=annotations)) == expected
