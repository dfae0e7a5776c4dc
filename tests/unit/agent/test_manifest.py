"""Identities, admission rules, order and names."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.decide.manifest import (
    Identity,
    ManifestError,
    identify,
    read_manifests,
    resource_meta,
    workload_problem,
)
from agent.decide.naming import MAX_WORK_NAME, applied_work_name, hub_hash, work_name
from agent.decide.order import apply_order, rank
from controllers.api.keys import HUB_UID_ANNOTATION
from controllers.api.work import ManifestResourceMeta, ManifestWork


def manifest(kind: str = "ConfigMap", name: str = "a", api_version: str = "v1", **metadata: Any) -> bytes:
    return json.dumps(
        {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, **metadata}}
    ).encode()


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (manifest(namespace="n"), Identity("", "v1", "ConfigMap", "n", "a")),
        (
            manifest("Workflow", "w", "argoproj.io/v1alpha1"),
            Identity("argoproj.io", "v1alpha1", "Workflow", "", "w"),
        ),
    ],
)
def test_identity(raw: bytes, expected: Identity) -> None:
    assert identify(raw) == expected
    assert identify(msgspec.Raw(raw)) == expected


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"[]", "not a Kubernetes object"),
        (b"{", "not a Kubernetes object"),
        (b'{"apiVersion":"v1","kind":"Pod","metadata":"x"}', "not a Kubernetes object"),
        (b'{"kind":"Pod","metadata":{"name":"a"}}', "apiVersion and kind must be set"),
        (b'{"apiVersion":"v1","metadata":{"name":"a"}}', "apiVersion and kind must be set"),
        (b'{"apiVersion":"v1","kind":"Pod"}', "name must be set"),
        (manifest(generateName="a-"), "generateName must not be set"),
        (
            b'{"apiVersion":"v1","kind":"Pod","metadata":{"generateName":"a-"}}',
            "generateName must not be set",
        ),
    ],
)
def test_unusable_manifests(raw: bytes, message: str) -> None:
    with pytest.raises(ManifestError, match=message):
        identify(raw)


def test_a_bad_manifest_and_a_duplicate_leave_the_others_alone() -> None:
    entries = read_manifests([manifest(), b"{}", manifest(name="b"), manifest(), manifest(namespace="n")])

    assert [entry.ordinal for entry in entries] == [0, 1, 2, 3, 4]
    assert [bool(entry.problem) for entry in entries] == [False, True, False, True, False]
    assert entries[3].problem == "duplicate of manifest 0: v1 ConfigMap a"


def test_origin_is_the_uid_of_the_hub_object() -> None:
    [entry, other] = read_manifests([manifest(annotations={HUB_UID_ANNOTATION: "u1"}), manifest(name="b")])
    assert (entry.origin, other.origin) == ("u1", "")


def test_workload_limits() -> None:
    raw = manifest()
    assert workload_problem([]) == "the work has no manifests"
    assert workload_problem([raw, msgspec.Raw(raw)], limit=2 * len(raw)) == ""
    assert "exceeds the limit of 10 bytes" in workload_problem([raw], limit=10)


def test_manifests_of_a_decoded_work_are_read_without_decoding_them() -> None:
    body = b'{"metadata":{},"spec":{"workload":{"manifests":[' + manifest() + b"]}}}"
    work = msgspec.json.decode(body, type=ManifestWork)
    [entry] = read_manifests(work.spec.workload.manifests)
    assert entry.identity == Identity("", "v1", "ConfigMap", "", "a")
    assert json.loads(msgspec.json.encode(work)) == json.loads(body)


def test_resource_meta() -> None:
    [good, bad] = read_manifests([manifest("Namespace", "x", namespace="stray"), b"{}"])
    assert resource_meta(good, "namespaces", namespaced=False) == ManifestResourceMeta(
        ordinal=0, version="v1", kind="Namespace", resource="namespaces", name="x"
    )
    assert resource_meta(bad) == ManifestResourceMeta(ordinal=1)


# -- order -----------------------------------------------------------------------------------------------
def identity(group: str, kind: str, name: str = "x") -> Identity:
    return Identity(group, "v1", kind, "", name)


def test_what_others_need_goes_first() -> None:
    mixed = [
        identity("argoproj.io", "Workflow"),
        identity("example.com", "Widget"),
        identity("argoproj.io", "WorkflowTemplate"),
        identity("rbac.authorization.k8s.io", "RoleBinding"),
        identity("", "Secret"),
        identity("", "ServiceAccount"),
        identity("apiextensions.k8s.io", "CustomResourceDefinition"),
        identity("", "Namespace"),
    ]
    assert [mixed[index].kind for index in apply_order(mixed)] == [
        "Namespace",
        "CustomResourceDefinition",
        "ServiceAccount",
        "Secret",
        "RoleBinding",
        "WorkflowTemplate",
        "Widget",
        "Workflow",
    ]


_KINDS = st.sampled_from(
    [("", "Namespace"), ("", "Secret"), ("argoproj.io", "Workflow"), ("x.io", "Y"), ("apps", "Deployment")]
)


@given(st.lists(_KINDS))
def test_order_is_a_stable_permutation(kinds: list[tuple[str, str]]) -> None:
    identities = [identity(group, kind, str(index)) for index, (group, kind) in enumerate(kinds)]
    order = apply_order(identities)
    assert sorted(order) == list(range(len(kinds)))
    keys = [(rank(identities[index].group, identities[index].kind), index) for index in order]
    assert keys == sorted(keys)


# -- names -----------------------------------------------------------------------------------------------
def test_applied_work_names() -> None:
    hub = hub_hash("https://hub.example.com:6443")
    assert hub == hashlib.sha256(b"https://hub.example.com:6443").hexdigest()
    name = applied_work_name(hub, "hello-abc12")
    assert name == f"{hub}-hello-abc12"
    assert work_name(hub, name) == "hello-abc12"
    assert work_name(hub_hash("https://other"), name) is None
    assert len(applied_work_name(hub, "w" * MAX_WORK_NAME)) == 253
