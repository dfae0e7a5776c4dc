"""The identities that throw: each with its genuine credentials, and no more rights than it has."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import msgspec

from controllers.api.kinds import (
    CLUSTER_ROLE,
    MANAGED_CLUSTER,
    MANAGED_CLUSTER_SET_BINDING,
    NAMESPACE,
    PLACEMENT,
    ROLE,
    ROLE_BINDING,
    WORKFLOW,
    Kind,
)
from controllers.kube.client import Client
from controllers.kube.errors import ApiError, NotFound
from controllers.kube.patch import merge_patch
from tests.deployed import granted
from tests.e2e.conftest import Argosy, join
from tests.e2e.fuzz.bodies import ADMIN, AGENT, CLUSTER_ADMIN, EVIL, OWNER, TARGET, TENANT, Thrown
from tests.e2e.ocm.components import credentials, ensure
from tests.e2e.workflows import of
from tests.eventually import eventually

# What the owner of a namespace has there on a hub, as Kubernetes' role `admin` gives it with the CRDs' aggregation.
_OWNS = (WORKFLOW, PLACEMENT, MANAGED_CLUSTER_SET_BINDING)


class Attackers:
    """Throws what it is given as whom it is to be thrown; refusals are what most of them meet."""

    def __init__(self, clients: Mapping[str, Client]) -> None:
        self._clients = clients
        self._made: dict[tuple[Kind, str, str], Client] = {}
        self.accepted: dict[str, int] = {}
        self.thrown = 0

    async def throw(self, what: Thrown) -> None:
        self.thrown += 1
        client = self._clients[what.who]
        admin = self._clients[CLUSTER_ADMIN if what.who == CLUSTER_ADMIN else ADMIN]
        with contextlib.suppress(ApiError):
            if await admin.find(what.kind, what.name, namespace=what.namespace) is None:
                await client.create(what.kind, msgspec.json.encode(what.body), namespace=what.namespace)
            else:
                patch = merge_patch({key: value for key, value in what.body.items() if key != "metadata"})
                await client.patch(what.kind, what.name, patch, namespace=what.namespace)
            self._accept(what, admin, "")
        if what.status is not None:
            patch = merge_patch({"status": what.status})
            for subresource in ("status", ""):
                with contextlib.suppress(ApiError):
                    await client.patch(
                        what.kind, what.name, patch, namespace=what.namespace, subresource=subresource
                    )
                    self._accept(what, admin, " status")
                    break

    def _accept(self, what: Thrown, admin: Client, part: str) -> None:
        self._made[what.kind, what.namespace, what.name] = admin
        name = f"{what.who}: {what.kind.kind}{part}"
        self.accepted[name] = self.accepted.get(name, 0) + 1

    async def clean_up(self) -> None:
        """Removes what was thrown, as an administrator can: finalizers that nobody takes any more included."""
        for (kind, namespace, name), client in self._made.items():
            with contextlib.suppress(NotFound):
                await client.delete(kind, name, namespace=namespace)
        for (kind, namespace, name), client in self._made.items():
            with contextlib.suppress(NotFound):
                await client.patch(
                    kind, name, merge_patch({"metadata": {"finalizers": None}}), namespace=namespace
                )


@contextlib.asynccontextmanager
async def attackers(argosy: Argosy, directory: Path) -> AsyncIterator[Attackers]:
    """All of them; what they have made is removed at the end."""
    admin, hub = argosy.hub, argosy.fleet.hub.kubeconfig
    join(EVIL, hub, directory / "evil.kubeconfig")
    await ensure(admin, NAMESPACE, of(NAMESPACE, TENANT))
    groups = [{"apiGroups": [kind.group], "resources": [kind.plural], "verbs": ["*"]} for kind in _OWNS]
    role = of(ROLE, "owner", rules=groups)
    role["metadata"]["namespace"] = TENANT
    subject = {"kind": "ServiceAccount", "name": "owner", "namespace": TENANT}
    reference = {"apiGroup": CLUSTER_ROLE.group, "kind": "Role", "name": "owner"}
    await ensure(admin, ROLE, role, namespace=TENANT)
    binding = of(ROLE_BINDING, "owner", roleRef=reference, subjects=[subject])
    await ensure(admin, ROLE_BINDING, binding, namespace=TENANT)
    owner = await credentials(admin, hub, TENANT, "owner", directory / "owner.kubeconfig")
    await granted(admin, f"system:serviceaccount:{TENANT}:owner", [role])
    clients = {
        ADMIN: admin,
        AGENT: await Client.connect(directory / "evil.kubeconfig"),
        OWNER: await Client.connect(owner),
        CLUSTER_ADMIN: argosy.managed[TARGET],
    }
    found = Attackers(clients)
    try:
        yield found
    finally:
        await found.clean_up()
        with contextlib.suppress(NotFound):  # thrown itself, and cleaned up
            await admin.delete(MANAGED_CLUSTER, EVIL)
        for name in (AGENT, OWNER):
            await clients[name].close()

    async def is_gone() -> bool:
        return await admin.find(MANAGED_CLUSTER, EVIL) is None

    await eventually(is_gone, within=60, what=f"{EVIL} gone")
