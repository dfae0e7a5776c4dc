"""The command line of each part of a cluster, as pure functions of ports and paths.

Nothing here starts anything, so the same command lines serve processes on this machine and processes in
containers (where paths and `bind` differ). Environment variables belong to the command line and are here too.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

from hack.fleet.certs import Pki

LOOPBACK = "127.0.0.1"
_ISSUER = "https://kubernetes.default.svc.cluster.local"


def etcd(binary: PurePath, *, data: PurePath, client: int, peer: int, bind: str = LOOPBACK) -> list[str]:
    """One etcd without TLS for all clusters of a fleet.

    Written data is not forced to disk: it survives a killed process, not a power cut.
    """
    client_url, peer_url = f"http://{bind}:{client}", f"http://{bind}:{peer}"
    return [
        str(binary),
        "--name=fleet",
        f"--data-dir={data}",
        f"--listen-client-urls={client_url}",
        f"--advertise-client-urls={client_url}",
        f"--listen-peer-urls={peer_url}",
        f"--initial-advertise-peer-urls={peer_url}",
        f"--initial-cluster=fleet={peer_url}",
        "--unsafe-no-fsync",
        "--auto-compaction-mode=periodic",
        "--auto-compaction-retention=10m",
        "--log-level=warn",
    ]


def apiserver(
    binary: PurePath,
    pki: Pki,
    *,
    cluster: str,
    etcd: str,
    port: int,
    bind: str = LOOPBACK,
    profiling: bool = False,
) -> list[str]:
    """An API server with RBAC; several share one etcd, each under its own prefix.

    `profiling` serves /debug/pprof to administrators.
    """
    return [
        str(binary),
        f"--etcd-servers={etcd}",
        f"--etcd-prefix=/{cluster}",
        f"--bind-address={bind}",
        f"--advertise-address={LOOPBACK}",
        f"--secure-port={port}",
        f"--tls-cert-file={pki.serving}",
        f"--tls-private-key-file={pki.serving_key}",
        f"--client-ca-file={pki.ca}",
        f"--token-auth-file={pki.tokens}",
        "--authorization-mode=Node,RBAC",
        f"--service-account-issuer={_ISSUER}",
        f"--service-account-key-file={pki.service_account_key}",
        f"--service-account-signing-key-file={pki.service_account_key}",
        "--service-cluster-ip-range=10.96.0.0/16",
        # Nothing runs inside the cluster's network, and a loopback address is no valid endpoint.
        "--endpoint-reconciler-type=none",
        # Fake nodes have names that don't resolve; logs are asked for at their address.
        "--kubelet-preferred-address-types=InternalIP",
        "--allow-privileged=true",
        f"--profiling={'true' if profiling else 'false'}",
    ]


def controller_manager(
    binary: PurePath, pki: Pki, *, kubeconfig: PurePath, port: int, bind: str = LOOPBACK
) -> list[str]:
    """All of Kubernetes' controllers: service accounts, garbage collection, namespaces, CSR signing, …"""
    return [
        str(binary),
        f"--kubeconfig={kubeconfig}",
        f"--bind-address={bind}",
        f"--secure-port={port}",
        f"--tls-cert-file={pki.serving}",
        f"--tls-private-key-file={pki.serving_key}",
        f"--root-ca-file={pki.ca}",
        f"--service-account-private-key-file={pki.service_account_key}",
        f"--cluster-signing-cert-file={pki.ca}",
        f"--cluster-signing-key-file={pki.ca_key}",
        "--leader-elect=false",
        "--profiling=false",
    ]


def scheduler(
    binary: PurePath, pki: Pki, *, kubeconfig: PurePath, port: int, bind: str = LOOPBACK
) -> list[str]:
    """The real scheduler: it places pods on the fake nodes."""
    return [
        str(binary),
        f"--kubeconfig={kubeconfig}",
        f"--bind-address={bind}",
        f"--secure-port={port}",
        f"--tls-cert-file={pki.serving}",
        f"--tls-private-key-file={pki.serving_key}",
        "--leader-elect=false",
        "--profiling=false",
    ]


def kwok(
    binary: PurePath,
    pki: Pki,
    *,
    kubeconfig: PurePath,
    settings: Sequence[PurePath],
    port: int,
    bind: str = LOOPBACK,
) -> list[str]:
    """KWOK playing kubelet for every node of the cluster, by the rules in the `settings` files."""
    return [
        str(binary),
        f"--kubeconfig={kubeconfig}",
        *(f"--config={path}" for path in settings),
        "--manage-all-nodes=true",
        f"--node-ip={bind}",
        f"--node-port={port}",
        f"--server-address={bind}:{port}",
        f"--tls-cert-file={pki.serving}",
        f"--tls-private-key-file={pki.serving_key}",
        # KWOK renews the nodes' leases, which is what tells the controller manager that they live.
        "--node-lease-duration-seconds=40",
    ]


def workflow_controller(binary: PurePath, *, kubeconfig: PurePath, version: str) -> list[str]:
    """Argo's controller for the whole cluster, its settings in the namespace `argo`."""
    return [
        str(binary),
        f"--kubeconfig={kubeconfig}",
        "--namespace=argo",
        # Fake nodes pull nothing; the name only has to look right in pod specs.
        f"--executor-image=quay.io/argoproj/argoexec:{version}",
        # Local API servers need no sparing: the default of 20 requests/s queues bursts of Workflows.
        "--qps=200",
        "--burst=400",
    ]


def workflow_controller_environment() -> dict[str, str]:
    """What makes Argo's controller alone on its cluster, and quick.

    Whenever a pod changes, the controller looks at its Workflow again only after the requeue time, 10 s by
    default, which exists to spare big clusters' informers. A fake pod is done after a second, so every step
    would take ten times as long as its work. One second is the least that Argo's authors consider safe:
    below it the controller may act on a cached Workflow older than its own last write.
    """
    return {
        "LEADER_ELECTION_DISABLE": "true",
        "DEFAULT_REQUEUE_TIME": "1s",
    }


def controllers(
    python: PurePath, *, kubeconfig: PurePath, listen: int, shards: int = 1, only: str = ""
) -> list[str]:
    """Argosy's own controllers on the hub; `listen` serves /healthz, /readyz and /metrics.

    With more than one of `shards` several such processes share the work, else one works and others stand by. `only`:
    which controllers run, separated by commas; "": all.
    """
    return [
        str(python),
        "-m",
        "controllers",
        "run",
        "--registration=on",  # one process is enough where all of it is one user's
        f"--kubeconfig={kubeconfig}",
        f"--listen={LOOPBACK}:{listen}",
        *([f"--shards={shards}"] if shards > 1 else []),
        *([f"--controllers={only}"] if only else []),
    ]


def agent_join(python: PurePath, *, cluster: str, hub: PurePath, out: PurePath) -> list[str]:
    """Register `cluster` with the hub and write the agent's kubeconfig to `out`; ends by itself."""
    return [
        str(python),
        "-m",
        "agent",
        "join",
        f"--cluster={cluster}",
        f"--hub-kubeconfig={hub}",
        f"--out={out}",
        "--accept",
    ]


def agent(python: PurePath, *, cluster: str, hub: PurePath, kubeconfig: PurePath, listen: int) -> list[str]:
    """The agent of one managed cluster; `hub` is the kubeconfig that `agent_join` wrote."""
    return [
        str(python),
        "-m",
        "agent",
        "run",
        f"--cluster={cluster}",
        f"--hub-kubeconfig={hub}",
        f"--kubeconfig={kubeconfig}",
        f"--listen={LOOPBACK}:{listen}",
    ]
