"""What a cluster shall have on the hub."""

from __future__ import annotations

from typing import Any

import pytest

from controllers.api.kinds import RESOURCE_QUOTA
from controllers.api.membership import (
    Owned,
    bindings,
    joining_names,
    membership,
    name_fault,
    renewal_names,
)
from registration.decide import plan


def there(*names: str) -> list[tuple[Owned, dict[str, Any]]]:
    """Of membership("c1"), those of these kinds, as they should be; all of them for none."""
    wanted = [item for item in membership("c1") if not names or item.kind.kind in names]
    return [(item, item.body) for item in wanted]


def kinds(items: Any) -> list[str]:
    return [item.kind.kind for item in items]


def test_an_accepted_cluster_gets_all_of_it_the_namespace_first() -> None:
    found = plan("c1", [], accepted=True, gone=False)
    assert kinds(found.make) == [
        "Namespace", "ResourceQuota", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding",
    ]  # fmt: skip
    assert found.remove == []


def test_where_all_is_as_it_should_be_nothing_is_written() -> None:
    assert plan("c1", there(), accepted=True, gone=False) == ([], [])


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        ("Role", "rules", []),
        ("ClusterRole", "rules", [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]),
        ("RoleBinding", "subjects", []),
        ("ClusterRoleBinding", "subjects", [{"kind": "Group", "name": "system:authenticated"}]),
    ],
)
def test_what_somebody_has_changed_is_made_again(kind: str, field: str, value: Any) -> None:
    present = [(item, {**body, field: value} if item.kind.kind == kind else body) for item, body in there()]
    assert kinds(plan("c1", present, accepted=True, gone=False).make) == [kind]


def test_what_an_administrator_may_change_stays_as_it_is() -> None:
    """How much an agent may store; without it there would be no bound."""
    generous = {"spec": {"hard": {"count/events": "1000000"}}}
    present = [
        (item, {**body, **generous} if item.kind == RESOURCE_QUOTA else body) for item, body in there()
    ]
    assert plan("c1", present, accepted=True, gone=False) == ([], [])
    rest = [pair for pair in there() if pair[0].kind != RESOURCE_QUOTA]
    assert kinds(plan("c1", rest, accepted=True, gone=False).make) == ["ResourceQuota"]


def test_a_cluster_that_is_denied_loses_its_bindings_alone() -> None:
    found = plan("c1", there(), accepted=False, gone=False)
    assert kinds(found.remove) == ["RoleBinding", "ClusterRoleBinding"]
    assert found.make == []
    rest = there("Namespace", "Role", "ClusterRole")
    assert plan("c1", rest, accepted=False, gone=False) == ([], [])


def test_of_a_cluster_that_has_left_nothing_stays_the_namespace_goes_last() -> None:
    found = plan("c1", there(), accepted=True, gone=True)
    assert kinds(found.remove) == [
        "RoleBinding", "Role", "ClusterRoleBinding", "ClusterRole", "ResourceQuota", "Namespace",
    ]  # fmt: skip
    assert plan("c1", there("Role"), accepted=True, gone=True).remove == [there("Role")[0][0]]


def test_rights_name_one_cluster_and_nobody_elses_objects() -> None:
    """Whatever is not in the cluster's namespace is named."""
    cluster_role = next(item for item in membership("c1") if item.kind.kind == "ClusterRole")
    rules = cluster_role.content["rules"]
    unnamed = [rule for rule in rules if "resourceNames" not in rule]
    assert [(rule["resources"], rule["verbs"]) for rule in unnamed] == [
        (["certificatesigningrequests"], ["create"])
    ]
    assert all("c1" in name for rule in rules for name in rule.get("resourceNames", []))
    assert {item.namespace for item in membership("c1")} == {"", "c1"}
    assert all("*" not in rule["verbs"] + rule["resources"] for rule in rules)


def test_what_an_agent_may_read_of_requests_nobody_else_can_guess() -> None:
    """Neither from the cluster's name nor from a name that was seen."""
    first, second, joining = (
        renewal_names("c1", "uid-1"),
        renewal_names("c1", "uid-2"),
        joining_names("c1", "uid-1"),
    )
    assert len({*first, *second, *joining}) == 24
    (rule,) = (
        rule
        for item in membership("c1", "uid-1")
        for rule in item.content.get("rules", [])
        if "certificatesigningrequests" in rule["resources"] and "resourceNames" in rule
    )
    assert rule["resourceNames"] == first


@pytest.mark.parametrize(
    ("name", "is_allowed"),
    [
        ("c1", True),
        ("a" * 63, True),
        ("kubernetes", True),
        ("defaults", True),
        ("1", True),
        ("", False),
        ("a" * 64, False),
        ("C1", False),
        ("c.1", False),
        ("-c", False),
        ("c-", False),
        ("c\n", False),
        ("default", False),
        ("kube-system", False),
        ("kube-", False),
        ("openshift", False),
        ("openshift-monitoring", False),
        ("open-cluster-management-hub", False),
    ],
)
def test_what_a_cluster_may_be_called(name: str, is_allowed: bool) -> None:
    assert (name_fault(name) == "") is is_allowed


def test_both_bindings_are_for_the_clusters_agents_alone() -> None:
    for binding in bindings("c1"):
        assert [
            (item["kind"], item["name"], item.get("namespace")) for item in binding.content["subjects"]
        ] == [
            ("Group", "system:open-cluster-management:c1", None),
            ("ServiceAccount", "argosy-agent", "c1"),
        ]
