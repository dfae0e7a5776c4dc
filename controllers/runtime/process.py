"""What every Argosy process has on its command line: where to listen, how to log, whether to elect a leader."""

from __future__ import annotations

import argparse
import os
import socket
import uuid
from pathlib import Path

from controllers.kube.client import Client
from controllers.runtime import metrics
from controllers.runtime.leader import LeaderElector

ListenAddress = tuple[str, int] | None

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
    namespace = options.lease_namespace
    if not namespace:
        namespace = _POD_NAMESPACE.read_text().strip() if _POD_NAMESPACE.exists() else "default"
    return LeaderElector(client, name=lease, namespace=namespace, identity=identity())


def identity() -> str:
    """Unique for each start of a process: host, process id and a random part."""
    return f"{socket.gethostname()}_{os.getpid()}_{uuid.uuid4().hex[:8]}"


def observe(client: Client) -> Client:
    """Counts the client's requests in rest_client_requests_total; returns it."""
    client.on_request = metrics.observe_request
    return client
