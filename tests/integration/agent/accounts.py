"""Accounts of the managed cluster that may do less than an administrator, for an agent to run as."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import yaml

from controllers.api.kinds import CLUSTER_ROLE, CLUSTER_ROLE_BINDING, SERVICE_ACCOUNT
from tests.integration.agent.conftest import Pair
from tests.integration.agent.works import Json, manifest

_TOKEN = b'{"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":{}}'


def rule(group: str, resource: str, *verbs: str) -> Json:
    return {"apiGroups": [group], "resources": [resource], "verbs": list(verbs)}


async def kubeconfig_of(pair: Pair, name: str, rules: list[Json], directory: Path) -> Path:
    """Makes the account `name`, which may do what `rules` say in the whole cluster, and nothing else."""
    role = {"apiGroup": CLUSTER_ROLE.group, "kind": CLUSTER_ROLE.kind, "name": name}
    subject = {"kind": SERVICE_ACCOUNT.kind, "name": name, "namespace": "default"}
    await pair.managed.create(
        SERVICE_ACCOUNT, manifest(SERVICE_ACCOUNT, name, "default"), namespace="default"
    )
    await pair.managed.create(CLUSTER_ROLE, manifest(CLUSTER_ROLE, name, rules=rules))
    bound = manifest(CLUSTER_ROLE_BINDING, name, roleRef=role, subjects=[subject])
    await pair.managed.create(CLUSTER_ROLE_BINDING, bound)
    path = f"{SERVICE_ACCOUNT.path('default', name)}/token"
    token = msgspec.json.decode(await pair.managed.request("POST", path, body=_TOKEN))["status"]["token"]
    config: dict[str, Any] = yaml.safe_load(pair.agent_managed.read_text())
    for user in config["users"]:
        user["user"] = {"token": token}
    out = directory / f"{name}.kubeconfig"
    out.write_text(yaml.safe_dump(config))
    return out
