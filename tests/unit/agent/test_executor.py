"""What is asked about the account that a work names."""

from __future__ import annotations

import pytest

from agent.decide.executor import BadExecutorError, account, may_escalate, refusal, reviews, user
from controllers.api.kinds import (
    CLUSTER_ROLE,
    CLUSTER_ROLE_BINDING,
    ROLE,
    ROLE_BINDING,
    WORKFLOW,
    Kind,
)
from controllers.api.work import Executor, ExecutorSubject, SubjectServiceAccount

WHO = SubjectServiceAccount(namespace="team", name="deployer")
CONFIG_MAP = Kind("", "v1", "ConfigMap", "configmaps")


def test_without_a_subject_nobody_is_asked() -> None:
    assert account(None) is None
    assert account(Executor()) is None
    assert account(Executor(subject=ExecutorSubject(type="ServiceAccount", service_account=WHO))) == WHO


@pytest.mark.parametrize(
    ("subject", "words"),
    [
        (ExecutorSubject(type="User", service_account=WHO), "only support ServiceAccount type"),
        (ExecutorSubject(type="ServiceAccount"), "service account is nil"),
    ],
)
def test_a_subject_that_names_nobody(subject: ExecutorSubject, words: str) -> None:
    with pytest.raises(BadExecutorError, match=words):
        account(Executor(subject=subject))


@pytest.mark.parametrize(
    ("owned", "verbs"),
    [(False, ["create", "update", "patch", "get"]), (True, ["create", "update", "patch", "get", "delete"])],
)
def test_reviews(owned: bool, verbs: list[str]) -> None:
    asked = [item["spec"] for item in reviews(WHO, CONFIG_MAP, "n", "c", owned=owned)]
    assert [item["resourceAttributes"]["verb"] for item in asked] == verbs
    assert {item["user"] for item in asked} == {user(WHO)} == {"system:serviceaccount:team:deployer"}
    assert asked[0]["groups"] == [
        "system:serviceaccounts",
        "system:authenticated",
        "system:serviceaccounts:team",
    ]
    assert asked[0]["resourceAttributes"] == {
        "version": "v1",
        "resource": "configmaps",
        "namespace": "n",
        "name": "c",
        "verb": "create",
    }


def test_a_review_is_about_this_object_of_this_kind() -> None:
    first = reviews(WHO, WORKFLOW, "n", "a", owned=False)[0]
    assert first["apiVersion"] == "authorization.k8s.io/v1"
    assert first["kind"] == "SubjectAccessReview"
    assert first["spec"]["resourceAttributes"] == {
        "group": "argoproj.io",
        "version": "v1alpha1",
        "resource": "workflows",
        "namespace": "n",
        "name": "a",
        "verb": "create",
    }


def test_only_what_grants_rights_may_escalate() -> None:
    for kind in (ROLE, ROLE_BINDING, CLUSTER_ROLE, CLUSTER_ROLE_BINDING):
        assert may_escalate(kind)
    assert not may_escalate(WORKFLOW)
    assert not may_escalate(CONFIG_MAP)
    assert not may_escalate(Kind("rbac.authorization.k8s.io", "v1", "Review", "reviews")), "it grants nothing"
    assert not may_escalate(Kind("iam.aws.crossplane.io", "v1", "Role", "roles")), "another group's roles"


def test_refusals_are_in_the_words_of_ocm() -> None:
    assert refusal(WORKFLOW, "n", "a") == "not allowed to apply the resource argoproj.io workflows, n a"
    assert refusal(CLUSTER_ROLE, "", "a", escalates=True).endswith(", error: permission escalation")
