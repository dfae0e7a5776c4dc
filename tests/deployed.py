"""The kustomize bases of deploy/, rendered by the real kubectl, and accounts that have the rights in them."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import yaml

from controllers.kube.client import Client
from hack.deploy.kubectl import Kubectl
from hack.fleet.api import kind_of
from hack.fleet.binaries import Binaries
from hack.fleet.cancel import Cancellation
from hack.fleet.layout import REPOSITORY
from hack.fleet.progress import Silent
from tests.e2e.ocm.components import credentials, ensure
from tests.eventually import eventually

Json = dict[str, Any]
Right = tuple[str, str, str]
"""(group, resource or resource/subresource, verb)."""

BASES = REPOSITORY / "deploy"
NAMES = ("hub", "hub-ocm", "agent")

_REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
_RIGHTS = ("Namespace", "ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding")


@functools.cache
def program(name: str) -> Path:
    """kubectl or helm, found, downloaded or built as the local fleets' binaries are."""
    return Binaries(Silent(), Cancellation()).ensure([name])[name]


def rendered(base: str) -> list[Json]:
    """The objects of deploy/<base>."""
    return Kubectl(str(program("kubectl"))).kustomize(BASES / base)


def rights(objects: Iterable[Json], *, named: bool = True) -> set[Right]:
    """What the rules of all roles among `objects` allow; without `named`, what they allow for all names."""
    return {
        (group, resource, verb)
        for body in objects
        for rule in body.get("rules", ())
        if named or not rule.get("resourceNames")
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


async def account(client: Client, admin: Path, base: str, out: Path, *, name: str) -> Path:
    """Writes a kubeconfig of the account `name` of the base's pods, with the rights that the base gives it, no
    others."""
    objects = rendered(base)
    for body in objects:
        if body["kind"] in _RIGHTS:
            await ensure(client, kind_of(body), body, namespace=body["metadata"].get("namespace", ""))
    accounts = [body["metadata"] for body in objects if body["kind"] == "ServiceAccount"]
    (found,) = (item for item in accounts if item["name"] == name)
    user = f"system:serviceaccount:{found['namespace']}:{name}"
    await granted(client, user, roles_of(objects, name))
    return await credentials(client, admin, found["namespace"], name, out)


def roles_of(objects: Iterable[Json], account_name: str) -> list[Json]:
    """Those among `objects` that are bound to the account."""
    everything = list(objects)
    bound = {
        (body["roleRef"]["kind"], body["roleRef"]["name"])
        for body in everything
        if any(item["name"] == account_name for item in body.get("subjects", ()))
    }
    return [body for body in everything if (body["kind"], body["metadata"]["name"]) in bound]


async def granted(client: Client, user: str, objects: Iterable[Json]) -> None:
    """Waits until the API server knows that the user may do what the roles among `objects` allow."""
    for body in objects:
        for rule in body.get("rules", ()):
            namespace = body["metadata"].get("namespace", "")
            review = _review(user, rule, namespace)

            async def probe(review: Json = review) -> bool:
                answer = await client.request("POST", _REVIEWS, body=msgspec.json.encode(review))
                return bool(msgspec.json.decode(answer)["status"]["allowed"])

            await eventually(probe, what=f"{user} may {rule}")


def _review(user: str, rule: Json, namespace: str) -> Json:
    """The question for a rule's first right; the server learns of all rights of a role at once."""
    resource, _, subresource = rule["resources"][0].partition("/")
    attributes = {
        "group": rule["apiGroups"][0],
        "resource": resource,
        "subresource": subresource,
        "verb": rule["verbs"][0],
        "namespace": namespace,
        "name": next(iter(rule.get("resourceNames", ())), ""),
    }
    return {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": user, "resourceAttributes": attributes},
    }


def documented(page: str, role: str) -> Json:
    """The ClusterRole of that name in a page of docs/."""
    text = (REPOSITORY / "docs" / page).read_text()
    blocks = re.findall(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    bodies = [body for block in blocks for body in yaml.safe_load_all(block)]
    (found,) = (body for body in bodies if body.get("metadata", {}).get("name") == role)
    return dict(found)
