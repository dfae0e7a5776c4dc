"""What a hub may touch, by patterns of namespaces and kinds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.decide.allow import (
    EVERYTHING,
    Allowed,
    BadPatternError,
    kind_pattern,
    namespace_pattern,
    refusal,
)
from controllers.api.kinds import ARGO_GROUP, CLUSTER_ROLE, CRD, NAMESPACE, NODE, SECRET, WORKFLOW, Kind

CONFIG_MAP = Kind("", "v1", "ConfigMap", "configmaps")
TEMPLATE = Kind(ARGO_GROUP, "v1alpha1", "ClusterWorkflowTemplate", "clusterworkflowtemplates", False)

TEAM = Allowed(namespaces=("team-*", "argo"))


@pytest.mark.parametrize(
    ("allowed", "kind", "namespace", "name"),
    [
        (EVERYTHING, SECRET, "kube-system", "s"),
        (EVERYTHING, CLUSTER_ROLE, "", "admin"),
        (TEAM, SECRET, "team-a", "s"),
        (TEAM, SECRET, "team-", "s"),
        (TEAM, WORKFLOW, "argo", "w"),
        (TEAM, NAMESPACE, "", "team-b"),
        (Allowed(("*",)), SECRET, "kube-system", "s"),
        (Allowed(("*",)), NAMESPACE, "", "any"),
        (Allowed((), ("*",)), CLUSTER_ROLE, "", "admin"),
        (Allowed((), ("workflows.argoproj.io", "configmaps")), CONFIG_MAP, "kube-system", "c"),
        (Allowed((), ("workflows.argoproj.io", "configmaps")), WORKFLOW, "x", "w"),
        (Allowed((), ("*.argoproj.io",)), WORKFLOW, "x", "w"),
        (Allowed((), ("*.argoproj.io",)), TEMPLATE, "", "t"),
        (Allowed((), ("*.*",)), CLUSTER_ROLE, "", "admin"),
        (Allowed((), ("clusterroles.*",)), CLUSTER_ROLE, "", "admin"),
        (Allowed(("team-*",), ("nodes",)), NODE, "", "n"),
        (Allowed(("team-*",), ("*", "clusterroles.rbac.authorization.k8s.io")), CLUSTER_ROLE, "", "admin"),
        (Allowed(("team-*",), ("*.argoproj.io",)), TEMPLATE, "", "t"),
        (Allowed(("team-*",), ("namespaces",)), NAMESPACE, "", "team-a"),
    ],
)
def test_what_a_hub_may_touch(allowed: Allowed, kind: Kind, namespace: str, name: str) -> None:
    assert refusal(allowed, kind, namespace, name) == ""


@pytest.mark.parametrize(
    ("allowed", "kind", "namespace", "name", "what", "option"),
    [
        (TEAM, SECRET, "kube-system", "s", "namespace kube-system", "--allow-namespace kube-system"),
        (TEAM, SECRET, "ateam-a", "s", "namespace ateam-a", "--allow-namespace ateam-a"),
        (TEAM, SECRET, "argo2", "s", "namespace argo2", "--allow-namespace argo2"),
        (TEAM, NAMESPACE, "", "kube-system", "namespace kube-system", "--allow-namespace kube-system"),
        (
            Allowed(("team-*",), ("namespaces",)),
            NAMESPACE,
            "",
            "kube-system",
            "namespace kube-system",
            "--allow-namespace kube-system",
        ),
        (Allowed(("*",), ("configmaps",)), NAMESPACE, "", "a", "namespaces", "--allow-kind namespaces"),
        (TEAM, NODE, "", "n", "nodes, which are in no namespace", "--allow-kind '*' --allow-kind nodes"),
        (Allowed(("*",), ("*",)), NODE, "", "n", "nodes, which are in no", "--allow-kind nodes"),
        (Allowed(("*",), ("*.*",)), CRD, "", "c", "customresourcedefinitions", f"--allow-kind {CRD}"),
        (Allowed((), ("configmaps",)), SECRET, "a", "s", "secrets", "--allow-kind secrets"),
        (
            Allowed((), ("workflows",)),
            WORKFLOW,
            "a",
            "w",
            str(WORKFLOW),
            "--allow-kind workflows.argoproj.io",
        ),
        (Allowed((), ("*.argoproj.io",)), SECRET, "a", "s", "secrets", "--allow-kind secrets"),
        (Allowed((), ("*.io",)), WORKFLOW, "a", "w", "workflows.argoproj.io", "--allow-kind"),
        (Allowed((), ("*.*",)), SECRET, "a", "s", "secrets", "--allow-kind secrets"),
        (Allowed((), ("config*",)), Kind("x.io", "v1", "Config", "configs"), "a", "s", "configs.x.io", ""),
    ],
)
def test_what_it_may_not_and_what_to_do_about_it(
    allowed: Allowed, kind: Kind, namespace: str, name: str, what: str, option: str
) -> None:
    text = refusal(allowed, kind, namespace, name)
    assert f"does not allow the hub to touch {what}" in text
    assert f"run the agent with {option}" in text


def test_a_dot_in_a_pattern_is_a_dot() -> None:
    assert refusal(
        Allowed((), ("workflows.argoproj.io",)), Kind("argoprojxio", "v1", "W", "workflows"), "a", "w"
    )


@pytest.mark.parametrize("text", ["argo", "team-*", "*", "*-a-*", "t", "0"])
def test_patterns_of_namespaces(text: str) -> None:
    assert namespace_pattern(text) == text


@pytest.mark.parametrize(
    "text", ["", "Team", "a/b", "a.b", "-a", "a-", "a b", "team-?", "a" * 64, "a,b", "a\n"]
)
def test_what_is_no_namespace(text: str) -> None:
    with pytest.raises(BadPatternError, match=r"is no namespace.*as in team-\*"):
        namespace_pattern(text)


@pytest.mark.parametrize(
    "text", ["configmaps", "workflows.argoproj.io", "*.argoproj.io", "*", "roles.*", "*.*"]
)
def test_patterns_of_kinds(text: str) -> None:
    assert kind_pattern(text) == text


@pytest.mark.parametrize(
    "text", ["", "Workflow", "apps/v1", "workflows.", ".argoproj.io", "pods/log", "a b", "a,b"]
)
def test_what_is_no_kind(text: str) -> None:
    with pytest.raises(BadPatternError, match=r"is no kind.*kubectl api-resources"):
        kind_pattern(text)


_NAMES = st.from_regex(r"[a-z]([a-z-]{0,4}[a-z])?", fullmatch=True)


@given(st.lists(_NAMES, min_size=1), _NAMES)
def test_a_list_of_plain_names_allows_these_and_no_others(names: list[str], name: str) -> None:
    allowed = Allowed(namespaces=tuple(names))
    assert (refusal(allowed, SECRET, name, "s") == "") == (name in names)
    assert (refusal(allowed, NAMESPACE, "", name) == "") == (name in names)


@given(st.lists(_NAMES), st.lists(_NAMES), _NAMES)
def test_one_pattern_more_never_takes_a_namespace_away(some: list[str], more: list[str], name: str) -> None:
    fewer, wider = Allowed(tuple(some)), Allowed((*some, *more))
    if some and refusal(fewer, SECRET, name, "s") == "":
        assert refusal(wider, SECRET, name, "s") == ""
