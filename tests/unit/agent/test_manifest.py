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
    size_of,
)
from agent.decide.naming import MAX_WORK_NAME, Hub
from agent.decide.order import apply_order, listing_order, rank, removal_order
from controllers.api.keys import HUB_UID_ANNOTATION
from controllers.api.kinds import CLUSTER_ROLE, WORKFLOW
from controllers.api.work import AppliedResource, ManifestResourceMeta, ManifestWork


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
        (b'{"apiVersion":"v1","kind":"PodList","metadata":{},"items":[1]}', "a PodList is not one object"),
        (b'{"apiVersion":"example.com/v1","kind":"AllowList"}', "name must be set"),
        (manifest(generateName="a-"), "generateName must not be set"),
        (
            b'{"apiVersion":"v1","kind":"Pod","metadata":{"generateName":"a-"}}',
            "generateName must not be set",
        ),
        (b'{"apiVersion":"v1","kind":"List","items":[]}', "a List is not one object but several: put each"),
        (b'{"apiVersion":"v1","kind":"List","metadata":{"name":"l"},"items": [{}]}', "a List is not one"),
        (b'{"apiVersion":"v1","kind":"ConfigMapList","items":[]}', "a ConfigMapList is not one object"),
        (b'{"apiVersion":"v1","kind":"ConfigMapList"}', "name must be set"),
    ],
)
def test_unusable_manifests(raw: bytes, message: str) -> None:
    with pytest.raises(ManifestError, match=message):
        identify(raw)


def test_an_object_of_a_kind_that_is_called_a_list_is_an_object() -> None:
    raw = b'{"apiVersion":"x.org/v1","kind":"AllowList","metadata":{"name":"a"},"items":["b"]}'
    assert identify(raw) == Identity("x.org", "v1", "AllowList", "", "a")


def test_a_bad_manifest_and_a_duplicate_leave_the_others_alone() -> None:
    entries = read_manifests([manifest(), b"{}", manifest(name="b"), manifest(), manifest(namespace="n")])

    assert [entry.ordinal for entry in entries] == [0, 1, 2, 3, 4]
    assert [bool(entry.problem) for entry in entries] == [False, True, False, True, False]
    assert entries[3].problem == "duplicate of manifest 0: v1 ConfigMap a"


def test_origin_is_the_uid_of_the_hub_object() -> None:
    [entry, other] = read_manifests([manifest(annotations={HUB_UID_ANNOTATION: "u1"}), manifest(name="b")])
    assert (entry.origin, other.origin) == ("u1", "")


@pytest.mark.parametrize(
    ("length", "counted"),
    [(0, 2), (1, 3), (127, 129), (128, 131), (16_383, 16_386), (16_384, 16_388), (511_996, 512_000)],
)
def test_a_manifests_size_is_that_of_ocms_webhook(length: int, counted: int) -> None:
    assert size_of(b"x" * length) == counted


def test_what_goes_beyond_the_limit_is_refused_and_what_fits_after_it_is_not() -> None:
    large, small = manifest(name="large" * 20), [manifest(name=name) for name in "abc"]
    limit = sum(map(size_of, small))
    entries = read_manifests([small[0], large, small[1], small[0], b"{}", small[2]], limit=limit)
    assert [bool(entry.problem) for entry in entries] == [False, True, False, True, True, False]
    assert entries[1].identity is not None
    for word in (f"takes {size_of(large)} bytes", f"more than the {limit}", "--max-manifests-bytes"):
        assert word in entries[1].problem
    assert read_manifests([small[0]], limit=size_of(small[0]) - 1)[0].problem
    assert not any(entry.problem for entry in read_manifests([large, *small]))


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (manifest(name="a/b"), "name 'a/b' must not"),
        (manifest(name=".."), "name '..' must not"),
        (manifest(name="a%2fb"), "name 'a%2fb' must not"),
        (manifest(namespace="team-a/configmaps/../../kube-system"), "namespace 'team-a/"),
        (manifest(namespace="."), "namespace '.' must not"),
        (manifest(name="a\n/b"), "must not"),
        (manifest(api_version="x/../../api/v1"), "neither a version nor group/version"),
        (manifest(api_version="v1?watch=true"), "neither a version nor group/version"),
        (manifest(api_version="/v1"), "neither a version nor group/version"),
    ],
)
def test_a_manifest_can_not_point_at_another_object_than_it_names(raw: bytes, message: str) -> None:
    with pytest.raises(ManifestError, match=message):
        identify(raw)


def test_a_name_stays_a_name_in_a_path() -> None:
    assert WORKFLOW.path("a?b", "c#d e") == "/apis/argoproj.io/v1alpha1/namespaces/a%3Fb/workflows/c%23d%20e"
    assert CLUSTER_ROLE.path("", "system:node").endswith("/clusterroles/system:node")


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


# -- applied objects -------------------------------------------------------------------------------------
def applied(text: str) -> AppliedResource:
    group, version, resource, namespace, name = text.split("/")
    return AppliedResource(group=group, version=version, resource=resource, namespace=namespace, name=name)


def test_applied_objects_are_listed_by_group_version_resource_namespace_and_name() -> None:
    expected = [
        "/v1/configmaps/a/z",
        "/v1/configmaps/b/a",
        "/v1/configmaps/b/c",
        "/v1/namespaces//a",
        "apps/v1/deployments/a/a",
        "apps/v2/daemonsets/a/a",
        "rbac.authorization.k8s.io/v1/roles/a/a",
    ]
    assert listing_order(applied(text) for text in reversed(expected)) == [applied(text) for text in expected]


def test_what_others_need_is_removed_last() -> None:
    expected = [
        "argoproj.io/v1alpha1/workflows/n/w",
        "example.com/v1/widgets/n/w",
        "argoproj.io/v1alpha1/workflowtemplates/n/t",
        "networking.k8s.io/v1/ingresses/n/i",
        "networking.k8s.io/v1/networkpolicies/n/p",
        "/v1/configmaps/n/c",
        "/v1/secrets/n/s",
        "storage.k8s.io/v1/storageclasses//s",
        "apiextensions.k8s.io/v1/customresourcedefinitions//widgets.example.com",
        "/v1/namespaces//n",
    ]
    assert removal_order(applied(text) for text in expected) == [applied(text) for text in expected]
    assert removal_order(applied(text) for text in reversed(expected)) == [applied(text) for text in expected]


# -- names -----------------------------------------------------------------------------------------------
def test_an_applied_work_is_named_after_the_hub_and_the_work() -> None:
    hub = Hub("https://hub.example.com:6443")
    assert hub.hash == hashlib.sha256(b"https://hub.example.com:6443").hexdigest()
    name = hub.applied_name("hello-abc12")
    assert name == f"{hub.hash}-hello-abc12"
    assert hub.work_of(name) == "hello-abc12"
    assert Hub("https://other").work_of(name) is None
    assert hub.former_name("hello-abc12") is None
    assert len(hub.applied_name("w" * MAX_WORK_NAME)) == 253


def test_the_hub_hash_is_of_the_server_as_the_kubeconfig_spells_it() -> None:
    spelled, stripped = Hub("https://hub.example.com:6443/"), Hub("https://hub.example.com:6443")
    assert spelled.hash == hashlib.sha256(b"https://hub.example.com:6443/").hexdigest()
    # Earlier versions of the agent left the slash out: what they have applied is still this hub's.
    former = stripped.applied_name("w")
    assert spelled.former_name("w") == former
    assert (spelled.work_of(former), spelled.work_of(spelled.applied_name("w"))) == ("w", "w")
    assert stripped.work_of(spelled.applied_name("w")) is None
    # The book of runs does not begin again because of a slash.
    assert spelled.address_hash == stripped.address_hash == stripped.hash
