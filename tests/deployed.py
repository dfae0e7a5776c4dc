"""The kustomize bases of deploy/, rendered by the real kubectl, and accounts that have the rights in them."""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Any

import yaml

from controllers.kube.client import Client
from hack.deploy.kubectl import Kubectl
from hack.fleet.api import kind_of
from hack.fleet.binaries import Binaries
from hack.fleet.cancel import Cancellation
from hack.fleet.layout import REPOSITORY
from hack.fleet.progress import Silent
from tests.e2e.ocm.components import credentials, ensure

Json = dict[str, Any]

BASES = REPOSITORY / "deploy"
NAMES = ("hub", "hub-ocm", "agent")

_RIGHTS = ("Namespace", "ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding")


@functools.cache
def program() -> Path:
    """kubectl, as the local fleets have it."""
    return Binaries(Silent(), Cancellation()).ensure(["kubectl"])["kubectl"]


def rendered(base: str) -> list[Json]:
    """The objects of deploy/<base>."""
    return Kubectl(str(program())).kustomize(BASES / base)


async def account(client: Client, admin: Path, base: str, out: Path) -> Path:
    """Writes a kubeconfig of the account of the base's pods, with the rights that the base gives it, no others."""
    objects = rendered(base)
    for body in objects:
        if body["kind"] in _RIGHTS:
            await ensure(client, kind_of(body), body, namespace=body["metadata"].get("namespace", ""))
    (found,) = (body["metadata"] for body in objects if body["kind"] == "ServiceAccount")
    return await credentials(client, admin, found["namespace"], found["name"], out)


def documented(page: str, role: str) -> Json:
    """The ClusterRole of that name in a page of docs/."""
    text = (REPOSITORY / "docs" / page).read_text()
    blocks = re.findall(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    bodies = [body for block in blocks for body in yaml.safe_load_all(block)]
    (found,) = (body for body in bodies if body.get("metadata", {}).get("name") == role)
    return dict(found)
