"""The programs inside one cluster's container, as settings for its supervisor. Decides; starts nothing.

A container sees a fleet's files at the paths they have on this machine, and its API server listens on the
very port it is published on. So certificates, kubeconfigs and command lines are those of local clusters.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from controllers.api.keys import ARGO_NAMESPACE
from hack.fleet import bootstrap, cluster, plan
from hack.fleet.api import CONFIG_MAP
from hack.fleet.argv import LOOPBACK
from hack.fleet.layout import HUB, Layout
from hack.fleet.plan import ClusterPlan
from hack.fleet.ports import Reservation
from hack.fleet.state import Part
from hack.fleet.versions import ARGO_BINARIES, HUB_BINARIES, MANAGED_BINARIES

# One image serves every cluster, so it holds what any of them runs.
BINARIES = (*HUB_BINARIES, *MANAGED_BINARIES, *ARGO_BINARIES)
BIN = Path("/bin")
SETTINGS = Path("/supervisor.json")
# Docker's published ports lead to the container's outer address.
_ANY_ADDRESS = "0.0.0.0"
_ARGO_SETTINGS = "workflow-controller-configmap"


class Probe(msgspec.Struct, frozen=True, omit_defaults=True):
    """An address that answers 200 once something is there, as the supervisor asks it."""

    url: str
    ca: str = ""
    token: str = ""


class Program(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One process: started when `after` is answered, announced when `ready` is."""

    name: str
    argv: list[str]
    env: dict[str, str] = {}
    after: Probe | None = None
    ready: Probe


@dataclasses.dataclass(frozen=True)
class ContainerPlan:
    """What a cluster's container runs, which files it needs, and the port it is reached by."""

    cluster: ClusterPlan
    programs: Sequence[Program]

    @property
    def name(self) -> str:
        return self.cluster.name

    @property
    def settings(self) -> bytes:
        return msgspec.json.encode(self.programs)

    @property
    def files(self) -> list[Path]:
        """Files and folders of this machine that the container has at the same paths."""
        layout = self.cluster.layout
        return [layout.cluster(self.name), self.cluster.kubeconfig, bootstrap.STAGES]


def prepare(name: str, layout: Layout, ports: Reservation, *, argo: bool) -> ContainerPlan:
    """Write a cluster's keys and kubeconfig, and decide what its container runs."""
    inside: Mapping[str, Path] = {binary: BIN / binary for binary in BINARIES}
    made = cluster.prepare(name, layout, inside, ports)
    made = dataclasses.replace(made, bind=_ANY_ADDRESS)
    return ContainerPlan(made, _programs(made, plan.etcd(layout, inside, ports), argo=argo))


def _programs(made: ClusterPlan, etcd: Part, *, argo: bool) -> list[Program]:
    store = _program(etcd)
    server = _program(made.apiserver(etcd), after=store.ready)
    rest = [made.controller_manager()]
    if made.name != HUB:
        rest += [made.scheduler(), made.kwok()]
    programs = [store, server, *(_program(part, after=server.ready) for part in rest)]
    if argo and made.name != HUB:
        programs.append(_argo(made))
    return programs


def _argo(made: ClusterPlan) -> Program:
    """Argo's controller. It ends at once without its kinds, and its settings are written after those."""
    path = CONFIG_MAP.path(ARGO_NAMESPACE, _ARGO_SETTINGS)
    after = Probe(url=f"{made.server}{path}", ca=str(made.pki.ca), token=made.pki.admin_token())
    part = made.workflow_controller()
    # It has the container's port 6060 for itself.
    ready = Probe(url=f"http://{LOOPBACK}:6060/healthz")
    return Program(name=part.name, argv=part.argv, env=part.environment, after=after, ready=ready)


def _program(part: Part, after: Probe | None = None) -> Program:
    ready = Probe(url=part.ready.url, ca=part.ready.ca)
    return Program(name=part.name, argv=part.argv, env=part.environment, after=after, ready=ready)
