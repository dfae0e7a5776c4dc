"""What must hold in deploy/ whatever is changed there: least rights, hardened pods, one version."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from controllers.api.membership import membership
from tests.deployed import BASES, documented, rights, roles_of
from tests.processes import ROOT

Json = dict[str, Any]

LEASES = "coordination.k8s.io"


def objects(path: Path) -> list[Json]:
    return [body for body in yaml.safe_load_all(path.read_text()) if body]


def of_base(base: str, kind: str) -> list[Json]:
    paths = [path for path in sorted((BASES / base).glob("*.yaml")) if path.name != "kustomization.yaml"]
    return [body for path in paths for body in objects(path) if body["kind"] == kind]


def role(base: str, name: str) -> Json:
    (found,) = (body for body in of_base(base, "ClusterRole") if body["metadata"]["name"] == name)
    return found


def test_the_guide_for_ocm_hubs_shows_the_same_rights() -> None:
    """Only where leases are is narrower here: in the pod's own namespace."""
    shown = rights([documented("ocm.md", "argosy-controllers")])
    deployed = rights([role("hub", "argosy-controllers")])
    assert {right for right in shown if right[0] != LEASES} == deployed
    assert {right for right in shown if right[0] == LEASES} == rights(of_base("hub", "Role"))


@pytest.mark.parametrize("base", ["hub", "agent"])
def test_nobody_may_do_everything_or_hand_out_rights(base: str) -> None:
    roles = [*of_base(base, "ClusterRole"), *of_base(base, "Role")]
    found = rights(roles)
    assert not [right for right in found if "*" in right]
    others = rights(item for item in roles if item["metadata"]["name"] != "argosy-registration")
    assert not [right for right in others if right[0] == "rbac.authorization.k8s.io"]
    assert not [right for right in found if right[1] in ("pods/exec", "serviceaccounts/token")]
    assert not [right for right in found if right[2] in ("impersonate", "escalate", "bind")]
    assert not [right for right in rights(of_base(base, "ClusterRole")) if right[1] == "secrets"]


def of_account(name: str) -> list[Json]:
    """The roles that are bound to an account of the hub."""
    kinds = ("ClusterRole", "Role", "ClusterRoleBinding", "RoleBinding")
    return roles_of([body for kind in kinds for body in of_base("hub", kind)], name)


def test_registration_holds_what_it_gives_and_can_give_nothing_else() -> None:
    """Kubernetes lets nobody give rights that they do not have, but for those with `bind` and `escalate`."""
    held = rights(of_account("argosy-registration"))
    given = rights(item.body for item in membership("any") if "rules" in item.content)
    assert given <= held


def test_what_reads_users_objects_can_make_itself_nobody() -> None:
    """M7: neither sign certificates, nor make roles, nor let a cluster in; and what can does not read them."""
    controllers = rights(of_account("argosy-controllers"))
    for group in ("certificates.k8s.io", "rbac.authorization.k8s.io", "register.open-cluster-management.io"):
        assert not [right for right in controllers if right[0] == group]
    writes = {"create", "update", "patch", "delete"}
    assert not [
        right
        for right in controllers
        if right[1] in ("managedclusters", "managedclusters/status", "namespaces", "leases")
        and right[2] in writes
        and right[0] != LEASES
    ]
    read = {right[1] for right in rights(of_account("argosy-registration")) if right[2] in ("list", "watch")}
    # Of what tenants write nothing; what agents write is given to them, so it has to be held.
    assert not read & {"workflows", "placements", "placementdecisions"}


def test_the_agent_reads_no_secret_but_its_own() -> None:
    (deployment,) = of_base("agent", "Deployment")
    (kept,) = (
        item.partition("=")[2]
        for item in deployment["spec"]["template"]["spec"]["containers"][0]["args"]
        if item.startswith("--hub-kubeconfig-secret=")
    )
    namespace, _, mounted = kept.partition("/")
    assert namespace == deployment["metadata"]["namespace"]
    rules = [rule for body in of_base("agent", "Role") for rule in body["rules"]]
    of_secrets = [rule for rule in rules if "secrets" in rule["resources"]]
    assert {name for rule in of_secrets for name in rule.get("resourceNames", ())} == {mounted}
    assert (
        rights(of_base("agent", "Role"), named=False)
        & {("", "secrets", verb) for verb in ("get", "list", "watch", "patch", "update", "delete")}
        == set()
    )


def test_leases_of_other_namespaces_are_read_only_where_they_are_heartbeats() -> None:
    rules = [rule for rule in role("hub", "argosy-registration")["rules"] if "leases" in rule["resources"]]
    named = [rule for rule in rules if rule.get("resourceNames")]
    assert [rule["resourceNames"] for rule in named] == [["managed-cluster-lease"]]
    assert [rule["verbs"] for rule in rules if rule not in named] == [["create"]]
    assert not [rule for rule in role("hub", "argosy-evaluator")["rules"] if "leases" in rule["resources"]]


def test_an_administrator_adds_to_what_the_agent_may_do() -> None:
    (selector,) = role("agent", "argosy-agent")["aggregationRule"]["clusterRoleSelectors"]
    for one in (role("agent", "argosy-agent-base"), documented("deploying.md", "argosy-agent-config")):
        assert selector["matchLabels"].items() <= one["metadata"]["labels"].items()


DEPLOYMENTS = [
    ("hub", "argosy-controllers"),
    ("hub", "argosy-registration"),
    ("agent", "argosy-agent"),
]


def deployment_of(base: str, name: str) -> Json:
    (found,) = (body for body in of_base(base, "Deployment") if body["metadata"]["name"] == name)
    return found


def test_every_deployment_is_among_those_that_are_checked() -> None:
    found = [
        (base, body["metadata"]["name"]) for base in ("hub", "agent") for body in of_base(base, "Deployment")
    ]
    assert sorted(found) == sorted(DEPLOYMENTS)


@pytest.mark.parametrize(("base", "name"), DEPLOYMENTS)
def test_pods_are_hardened(base: str, name: str) -> None:
    deployment = deployment_of(base, name)
    assert deployment["spec"]["template"]["spec"]["serviceAccountName"] == name
    pod = deployment["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    security = container["securityContext"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert (security["allowPrivilegeEscalation"], security["readOnlyRootFilesystem"]) == (False, True)
    assert security["capabilities"] == {"drop": ["ALL"]}
    assert {"cpu", "memory"} <= container["resources"]["requests"].keys()
    assert "memory" in container["resources"]["limits"]
    (port,) = (item["containerPort"] for item in container["ports"])
    assert f"--listen=:{port}" in container["args"]
    paths = [container[f"{kind}Probe"]["httpGet"]["path"] for kind in ("startup", "liveness", "readiness")]
    assert paths == ["/healthz", "/healthz", "/readyz"]


def test_the_image_runs_as_the_pods_do() -> None:
    text = (BASES / "Dockerfile").read_text()
    (user,) = re.findall(r"^USER (\d+):\d+$", text, re.MULTILINE)
    for base, name in DEPLOYMENTS:
        deployment = deployment_of(base, name)
        assert deployment["spec"]["template"]["spec"]["securityContext"]["runAsUser"] == int(user)


def test_the_image_has_a_pinned_base_and_no_installer() -> None:
    text = (BASES / "Dockerfile").read_text()
    (base,) = re.findall(r"^ARG BASE=(\S+)$", text, re.MULTILINE)
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+(@sha256:[0-9a-f]{64})?", base)
    assert {stage.split()[0] for stage in re.findall(r"^FROM (.+)$", text, re.MULTILINE)} == {"${BASE}"}
    last = text[text.rindex("\nFROM ") :]
    assert "pip uninstall --yes setuptools wheel pip" in last
    assert " install " not in last


def test_one_version_everywhere() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    (chart,) = objects(BASES / "chart" / "argosy" / "Chart.yaml")
    assert (chart["version"], chart["appVersion"]) == (version, version)
    (values,) = objects(BASES / "chart" / "argosy" / "values.yaml")
    image = f"{values['image']['repository']}:{version}"
    for base, name in DEPLOYMENTS:
        deployment = deployment_of(base, name)
        assert deployment["spec"]["template"]["spec"]["containers"][0]["image"] == image
    assert re.search(rf"^IMAGE +\?= {re.escape(image)}$", (ROOT / "Makefile").read_text(), re.MULTILINE)


def test_what_the_image_is_built_from_is_all_of_the_wheel() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    kept = set(re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE))
    packages = {name.rstrip("*") for name in project["tool"]["setuptools"]["packages"]["find"]["include"]}
    files = {project["project"]["readme"], *project["project"]["license-files"], "pyproject.toml"}
    assert kept == packages | files
