"""What an agent tells a user, word for word."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from agent.decide.aggregate import work_conditions
from agent.decide.allow import Allowed, BadPatternError, kind_pattern, namespace_pattern, refusal
from agent.decide.executor import BadExecutorError, account
from agent.decide.kubectl_path import PathError, parsed
from agent.decide.ledger import Pages
from agent.decide.manifest import ManifestError, identify, read_manifests
from agent.decide.registration import cluster_status
from agent.decide.runonce import ReportLost, decide
from controllers.api.conditions import condition
from controllers.api.keys import HUB_UID_ANNOTATION
from controllers.api.kinds import WORKFLOW
from controllers.api.work import (
    AppliedResource,
    Executor,
    ExecutorSubject,
    ManifestCondition,
    ManifestResourceMeta,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        ("{}", "apiVersion and kind must be set in the manifest"),
        ('{"apiVersion":"v1","kind":"Pod"}', "name must be set in the manifest"),
        (
            '{"apiVersion":"v1","kind":"Pod","metadata":{"generateName":"a-"}}',
            "generateName must not be set in the manifest",
        ),
        (
            '{"apiVersion":"/v1","kind":"Pod","metadata":{"name":"a"}}',
            "apiVersion '/v1' is neither a version nor group/version",
        ),
        (
            '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a/b"}}',
            "name 'a/b' must not be '.' or '..', nor contain '/' or '%'",
        ),
        ("{", "the manifest is not a Kubernetes object: Input data was truncated"),
    ],
)
def test_of_a_manifest(manifest: str, words: str) -> None:
    with pytest.raises(ManifestError) as error:
        identify(manifest.encode())
    assert str(error.value) == words


def test_of_a_work_that_is_too_large() -> None:
    manifests = [f'{{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"{n}"}}}}'.encode() for n in "ab"]
    first, second = read_manifests(manifests, limit=100)
    assert first.problem == ""
    assert second.problem == (
        "it takes 58 bytes and the manifests before it 58, together more than the 100 that the manifests of a work may "
        "take: move it to another ManifestWork, or raise --max-manifests-bytes of the cluster's agent"
    )


@pytest.mark.parametrize(
    ("statuses", "words"),
    [
        (
            {"Applied": True, "Available": True},
            ["Apply manifest work complete", "All resources are available"],
        ),
        (
            {"Applied": False, "Available": False},
            ["Failed to apply manifest work", "1 of 1 resources are not available"],
        ),
        ({"Available": None}, ["1 of 1 resources have unknown status"]),
    ],
)
def test_of_a_work(statuses: dict[str, bool | None], words: list[str]) -> None:
    conditions = [condition(kind, status, "R", "", NOW) for kind, status in statuses.items()]
    manifest = ManifestCondition(resource_meta=ManifestResourceMeta(ordinal=0), conditions=conditions)
    assert [found.message for found in work_conditions([manifest], generation=1, now=NOW)] == words


def test_of_what_it_is_not_allowed() -> None:
    begin = "this cluster's agent does not allow the hub to touch"
    assert refusal(Allowed(namespaces=("team-*",)), WORKFLOW, "argo", "a") == (
        f"{begin} namespace argo: to allow it, run the agent with --allow-namespace argo"
    )
    assert refusal(Allowed(kinds=("configmaps",)), WORKFLOW, "argo", "a") == (
        f"{begin} workflows.argoproj.io: to allow it, run the agent with --allow-kind workflows.argoproj.io"
    )
    with pytest.raises(BadPatternError) as error:
        namespace_pattern("Team")
    assert str(error.value) == (
        "'Team' is no namespace: a name of lower-case letters, digits and dashes, with * for any run of characters, as "
        "in team-*"
    )
    with pytest.raises(BadPatternError) as error:
        kind_pattern("Work Flow")
    assert str(error.value) == (
        "'Work Flow' is no kind: the plural and the group as `kubectl api-resources` has them, as in "
        "workflows.argoproj.io, *.argoproj.io, configmaps (the core group has no name) or *"
    )


WORKFLOW_META = ManifestResourceMeta(
    ordinal=0, group="argoproj.io", kind="Workflow", resource="workflows", name="a", namespace="n"
)
RECORDED = AppliedResource(
    group="argoproj.io", resource="workflows", name="a", namespace="n", version="v1alpha1", uid="u"
)


@pytest.mark.parametrize(
    ("applied", "live", "reason", "words"),
    [
        (
            [RECORDED],
            None,
            "WorkflowGone",
            "Workflow n/a left the cluster before its end was seen; it is not run a second time",
        ),
        (
            [RECORDED],
            {"metadata": {"uid": "v"}},
            "WorkflowReplaced",
            "Workflow n/a left the cluster before its end was seen, and another one has its name",
        ),
        (
            [],
            {"metadata": {"uid": "v", "annotations": {HUB_UID_ANNOTATION: "another"}}},
            "NameTaken",
            "another Workflow is called n/a on the cluster; delete it or rename this one",
        ),
    ],
)
def test_of_a_workflow_that_is_not_run(
    applied: list[AppliedResource], live: dict[str, Any] | None, reason: str, words: str
) -> None:
    found = decide(WORKFLOW_META, applied, live, complete=False, origin="hub")
    assert found == ReportLost(reason, words)


def test_of_an_end_that_nobody_can_read() -> None:
    pages = Pages()
    pages.load(1, {"a": "spoiled"})
    found = pages.find("a")
    assert found is not None
    assert (found.phase, found.message) == ("Error", "how it ended can't be read any more")


def test_of_its_cluster() -> None:
    found = cluster_status(
        {}, version="v1.36.3", capacity={}, allocatable={}, claims=[], now="2026-01-01T00:00:00Z"
    )
    assert [(item["type"], item["reason"], item["message"]) for item in found["conditions"]] == [
        ("ManagedClusterJoined", "ManagedClusterJoined", "Managed cluster joined"),
        ("ManagedClusterConditionAvailable", "ManagedClusterAvailable", "Managed cluster is available"),
    ]


@pytest.mark.parametrize(
    ("subject", "words"),
    [
        (ExecutorSubject(type="User"), "only support ServiceAccount type for the executor"),
        (ExecutorSubject(type="ServiceAccount"), "the executor service account is nil"),
    ],
)
def test_of_an_executor(subject: ExecutorSubject, words: str) -> None:
    with pytest.raises(BadExecutorError) as error:
        account(Executor(subject=subject))
    assert str(error.value) == words


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("a", "a: a path starts with a dot, a bracket or $"),
        (".a..", ".a..: a name is missing at 4"),
        (".a[", ".a[: unterminated bracket at 2"),
        (".a[x]", ".a[x]: 'x' is no index, slice or quoted name"),
        (".a[?(@.b==1]", ".a[?(@.b==1]: unterminated filter at 2"),
        (".a[?(@.b=1)]", ".a[?(@.b=1)]: '=' is no comparison"),
        (".a[?(@.b==c)]", ".a[?(@.b==c)]: 'c' is neither a path nor a literal"),
        (".a[?(b==1)]", ".a[?(b==1)]: 'b' is neither a path nor a literal"),
        (".a}", ".a}: unexpected '}' at 2"),
        (".a['b.c','d']", ".a['b.c','d']: 'b.c' can't stand among several names"),
    ],
)
def test_of_a_path(path: str, words: str) -> None:
    with pytest.raises(PathError) as error:
        parsed(path)
    assert str(error.value) == words
