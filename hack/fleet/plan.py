"""The parts of a local fleet with their ports, files and probes. Decides; starts nothing."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hack.fleet import argv, bootstrap
from hack.fleet.argv import LOOPBACK
from hack.fleet.certs import Pki
from hack.fleet.layout import REPOSITORY, Layout
from hack.fleet.ports import Reservation
from hack.fleet.state import Part, Probe
from hack.fleet.versions import ARGO

# What Argo's controller logs once its caches are filled, as it starts its workers.
_ARGO_STARTED = "Starting workflow garbage collector controller"


@dataclass(frozen=True)
class ClusterPlan:
    """How the parts of one cluster are started. `bind` is where its API server listens.

    `profiling` lets administrators take CPU profiles of its API server.
    """

    name: str
    layout: Layout
    binaries: Mapping[str, Path]
    ports: Reservation
    pki: Pki
    port: int
    bind: str = LOOPBACK
    profiling: bool = False

    @property
    def server(self) -> str:
        return f"https://{LOOPBACK}:{self.port}"

    @property
    def kubeconfig(self) -> Path:
        return self.layout.kubeconfig(self.name)

    def apiserver(self, etcd: Part) -> Part:
        command = argv.apiserver(
            self.binaries["kube-apiserver"],
            self.pki,
            cluster=self.name,
            etcd=f"http://{LOOPBACK}:{etcd.port}",
            port=self.port,
            bind=self.bind,
            profiling=self.profiling,
        )
        return self._part("apiserver", command, self._https("/readyz", self.port), self.port)

    def controller_manager(self) -> Part:
        port = self.ports.take()
        command = argv.controller_manager(
            self.binaries["kube-controller-manager"], self.pki, kubeconfig=self.kubeconfig, port=port
        )
        return self._part("controller-manager", command, self._https("/healthz", port), port)

    def scheduler(self) -> Part:
        port = self.ports.take()
        command = argv.scheduler(
            self.binaries["kube-scheduler"], self.pki, kubeconfig=self.kubeconfig, port=port
        )
        return self._part("scheduler", command, self._https("/readyz", port), port)

    def kwok(self) -> Part:
        port = self.ports.take()
        command = argv.kwok(
            self.binaries["kwok"],
            self.pki,
            kubeconfig=self.kubeconfig,
            settings=(bootstrap.STAGES, self.layout.pod_logs(self.name)),
            port=port,
        )
        return self._part("kwok", command, self._https("/healthz", port), port)

    def workflow_controller(self) -> Part:
        command = argv.workflow_controller(
            self.binaries["workflow-controller"], kubeconfig=self.kubeconfig, version=ARGO.version
        )
        # It serves its health on port 6060 and nowhere else, so only one per machine can be asked.
        environment = argv.workflow_controller_environment()
        return self._part(
            "workflow-controller", command, Probe(log_text=_ARGO_STARTED), environment=environment
        )

    def _https(self, path: str, port: int) -> Probe:
        return Probe(url=f"https://{LOOPBACK}:{port}{path}", ca=str(self.pki.ca))

    def _part(
        self,
        name: str,
        command: list[str],
        ready: Probe,
        port: int = 0,
        environment: dict[str, str] | None = None,
    ) -> Part:
        log = str(self.layout.log(self.name, name))
        return Part(self.name, name, command, log, ready, port=port, environment=environment or {})


def etcd(layout: Layout, binaries: Mapping[str, Path], ports: Reservation) -> Part:
    """The store of all clusters."""
    client = ports.take()
    command = argv.etcd(binaries["etcd"], data=layout.etcd, client=client, peer=ports.take())
    ready = Probe(url=f"http://{LOOPBACK}:{client}/health")
    return Part("", "etcd", command, str(layout.log("", "etcd")), ready, port=client)


def controllers(
    layout: Layout, hub: Path, ports: Reservation, number: int = 1, shards: int = 1, only: str = ""
) -> Part:
    """Argosy's controllers on the hub: the process `controllers`, and for more of them `controllers-2` and so on.

    `only`: which of them run, separated by commas; "": all.
    """
    port = ports.take()
    command = argv.controllers(Path(sys.executable), kubeconfig=hub, listen=port, shards=shards, only=only)
    return _ours(layout, "", "controllers" if number == 1 else f"controllers-{number}", command, port)


def agent_join(layout: Layout, cluster: str, hub: Path) -> Part:
    """The registration of one cluster; ends by itself."""
    command = argv.agent_join(
        Path(sys.executable), cluster=cluster, hub=hub, out=layout.kubeconfig(f"{cluster}.agent")
    )
    return _ours(layout, cluster, "agent-join", command, 0)


def agent(layout: Layout, cluster: str, kubeconfig: Path, ports: Reservation) -> Part:
    """The agent of one cluster, with the credentials that `agent_join` wrote."""
    port = ports.take()
    command = argv.agent(
        Path(sys.executable),
        cluster=cluster,
        hub=layout.kubeconfig(f"{cluster}.agent"),
        kubeconfig=kubeconfig,
        listen=port,
    )
    return _ours(layout, cluster, "agent", command, port)


def _ours(layout: Layout, cluster: str, name: str, command: list[str], port: int) -> Part:
    return Part(
        cluster,
        name,
        command,
        str(layout.log(cluster, name)),
        Probe(url=f"http://{LOOPBACK}:{port}/readyz"),
        port=port,
        # The packages need not be installed: they are found in the checkout, wherever `up` was called.
        environment={"PYTHONPATH": str(REPOSITORY), "PYTHONUNBUFFERED": "1"},
        ours=True,
    )
