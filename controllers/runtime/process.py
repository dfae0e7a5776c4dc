"""What Argosy's processes have on their command lines: where to listen, how to log, how replicas share the work."""

from __future__ import annotations

import argparse
import os
import socket
import uuid
from pathlib import Path

from controllers.kube.client import Client
from controllers.kube.configuration import ConfigError
from controllers.runtime import metrics
from controllers.runtime.events import Recorder
from controllers.runtime.group import Group
from controllers.runtime.leader import LeaderElector
from controllers.runtime.lease import LeaseLock
from controllers.runtime.manager import Manager
from controllers.runtime.membership import Agreement
from controllers.runtime.sharding import Sharding

ListenAddress = tuple[str, int] | None

# Each shard costs its holder a write every two seconds.
MAX_SHARDS = 256

_POD_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


def add_process_arguments(parser: argparse.ArgumentParser, *, listen: str) -> None:
    """Adds --listen, --leader-elect, --lease-namespace, --log-level and --log-format."""
    parser.add_argument(
        "--listen",
        type=parse_listen,
        default=parse_listen(listen),
        metavar="HOST:PORT",
        help=f"where /healthz, /readyz and /metrics are served; port 0: any free one; none: not at all "
        f"(default: {listen})",
    )
    parser.add_argument(
        "--leader-elect",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="with several replicas let one work at a time",
    )
    parser.add_argument(
        "--lease-namespace", help="namespace of the leader's Lease (default: the pod's own, else default)"
    )
    parser.add_argument("--log-level", default="info", choices=("debug", "info", "warning", "error"))
    parser.add_argument(
        "--log-format",
        default="auto",
        choices=("auto", "json", "console"),
        help="auto: console on a terminal, JSON lines elsewhere",
    )


def add_shards_argument(parser: argparse.ArgumentParser) -> None:
    """Adds --shards, for processes whose replicas can work at the same time."""
    parser.add_argument(
        "--shards",
        type=parse_shards,
        default=1,
        metavar="N",
        help="let replicas share the work: namespaces are dealt into N shards by a hash of their names, and each "
        "running replica works on about N / replicas of them, one Lease each. 2 to 4 times the number of replicas "
        "is a good N; more replicas than shards stand by. A namespace is never split. All replicas must use the "
        "same N: one that finds others at work with another N says so and ends. To change it, stop all replicas "
        "first (default: 1, one replica does everything)",
    )


def parse_shards(text: str) -> int:
    """A number from 1 to MAX_SHARDS. Raises argparse.ArgumentTypeError."""
    if not text.isdecimal() or not 1 <= int(text) <= MAX_SHARDS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {MAX_SHARDS}")
    return int(text)


def parse_listen(text: str) -> ListenAddress:
    """`host:port`, `:port` (all addresses) or `none`. Raises argparse.ArgumentTypeError."""
    if text == "none":
        return None
    host, separator, port = text.rpartition(":")
    if not separator or not port.isdecimal() or int(port) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT, :PORT or none")
    return host.strip("[]") or "0.0.0.0", int(port)  # noqa: S104 - as a pod's probes need it


def elector_for(options: argparse.Namespace, client: Client, lease: str) -> LeaderElector | None:
    """The elector that the command line asks for."""
    if not options.leader_elect:
        return None
    return LeaderElector(
        LeaseLock(client, name=lease, namespace=lease_namespace(options), identity=identity())
    )


def manager_for(
    options: argparse.Namespace, client: Client, lease: str, recorder: Recorder | None = None
) -> Manager:
    """A manager whose replicas share the work as --shards and --leader-elect say; `lease` names their group.

    Raises ConfigError when the two contradict each other. Its `run` raises ShardCountError when replicas are at
    work that were told another number of shards.
    """
    group = Group(client, lease, lease_namespace(options), identity(), options.shards)
    if group.shards > 1:
        if not options.leader_elect:
            raise ConfigError(
                "--shards shares the work by Leases, which --no-leader-elect turns off: drop one of them"
            )
        return Manager(listen=options.listen, sharding=Sharding(group), recorder=recorder)
    elector = elector_for(options, client, lease)
    manager = Manager(listen=options.listen, elector=elector, recorder=recorder)
    if elector is not None:
        manager.add_startup("number of shards", Agreement(group).check)
    return manager


def lease_namespace(options: argparse.Namespace) -> str:
    """--lease-namespace, else the pod's own, else default."""
    if options.lease_namespace:
        return str(options.lease_namespace)
    return _POD_NAMESPACE.read_text().strip() if _POD_NAMESPACE.exists() else "default"


def identity() -> str:
    """Unique for each start of a process: host, process id and a random part."""
    return f"{socket.gethostname()}_{os.getpid()}_{uuid.uuid4().hex[:8]}"


def observe(client: Client) -> Client:
    """Counts the client's requests in rest_client_requests_total; returns it."""
    client.on_request = metrics.observe_request
    return client
