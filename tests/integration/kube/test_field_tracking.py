"""The server stops tracking who owns the fields of an object, if it is asked to in the right way."""

from __future__ import annotations

import pytest

from controllers.api.kinds import WORKFLOW
from controllers.kube.client import Client
from controllers.kube.object import Object
from controllers.kube.patch import Patch, apply_patch, finalizer_patch, merge_patch, untracked
from tests.integration.bodies import workflow


def by_merge_patch(found: Object) -> Patch:
    return merge_patch({"metadata": {"labels": {"a": "b"}} | untracked(found.metadata)})


def by_finalizer_patch(found: Object) -> Patch:
    meta = found.metadata
    return finalizer_patch(meta.finalizers, ["example.com/held"], uid=meta.uid, tracked=meta)


@pytest.mark.parametrize("cleared", [by_merge_patch, by_finalizer_patch])
async def test_tracking_ends_and_later_patches_do_not_start_it_again(
    client: Client, namespace: str, cleared: object
) -> None:
    assert callable(cleared)
    created = await client.create(WORKFLOW, workflow("a"), namespace=namespace)
    assert [entry.operation for entry in created.metadata.managed_fields] == ["Update"]
    ended = await client.patch(WORKFLOW, "a", cleared(created), namespace=namespace)
    assert ended.metadata.managed_fields == []
    assert untracked(ended.metadata) == {}
    body = {"status": {"phase": "Running"}, "metadata": {"finalizers": None}}
    later = await client.patch(WORKFLOW, "a", merge_patch(body), namespace=namespace)
    assert later.metadata.managed_fields == []
    assert later.to_dict()["status"] == {"phase": "Running"}


async def test_what_somebody_has_applied_stays_tracked(client: Client, namespace: str) -> None:
    body = workflow("a")
    body = {**body, "apiVersion": WORKFLOW.api_version, "kind": WORKFLOW.kind}
    patch = apply_patch(body, field_manager="somebody")
    applied = await client.patch(WORKFLOW, "a", patch, namespace=namespace)
    assert untracked(applied.metadata) == {}
