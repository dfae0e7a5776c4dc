"""`python -m agent`: joins a cluster to a hub, and runs its agent."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import structlog
import uvloop

from agent.join import JoinError, join
from agent.wiring import build
from controllers.kube.client import Client, ConfigError
from controllers.kube.errors import ApiError
from controllers.runtime import logs
from controllers.runtime.health import AddressError
from controllers.runtime.manager import PartFailed
from controllers.runtime.process import add_process_arguments, observe

log = structlog.get_logger(__name__)

_DESCRIPTION = """\
Argosy's agent: one runs for each managed cluster. It opens all connections itself; the hub needs no way to
reach the cluster and gets no credentials of it.
  join  once, with an administrator's hub kubeconfig: registers the cluster and writes the agent's own kubeconfig
  run   applies the ManifestWorks of the cluster and reports their status
"""

_EXAMPLES = """\
examples:
  python -m agent join --cluster cluster1 --hub-kubeconfig hub-admin.kubeconfig --out cluster1.agent.kubeconfig
  python -m agent run --cluster cluster1 --hub-kubeconfig cluster1.agent.kubeconfig --kubeconfig cluster1.kubeconfig
"""


def parser() -> argparse.ArgumentParser:
    root = argparse.ArgumentParser(
        prog="python -m agent",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = root.add_subparsers(dest="command", required=True, metavar="COMMAND")
    joining = commands.add_parser("join", help="register a cluster on the hub; safe to repeat")
    running = commands.add_parser("run", help="run the agent in the foreground until Ctrl-C or SIGTERM")
    for command in (joining, running):
        command.add_argument("--cluster", required=True, help="name of the cluster (its ManagedCluster)")
        command.add_argument("--hub-kubeconfig", required=True, help="kubeconfig of the hub")
    joining.add_argument("--out", required=True, type=Path, help="where to write the agent's hub kubeconfig")
    joining.add_argument(
        "--label",
        action="append",
        default=[],
        type=_label,
        metavar="KEY=VALUE",
        help="a label for the ManagedCluster, for Placements to select by; may be repeated",
    )
    joining.add_argument(
        "--lease-seconds",
        type=int,
        default=60,
        help="how often the agent proves that it lives (default: 60)",
    )
    joining.add_argument("--log-level", default="info", choices=("debug", "info", "warning", "error"))
    joining.add_argument("--log-format", default="auto", choices=("auto", "json", "console"))
    running.add_argument(
        "--kubeconfig", help="kubeconfig of the managed cluster (default: as kubectl finds it)"
    )
    running.add_argument(
        "--eviction-grace",
        type=float,
        default=3600.0,
        metavar="SECONDS",
        help="how long what was applied stays after the hub has forgotten its ManifestWork (default: 3600)",
    )
    running.add_argument(
        "--no-free",
        dest="free",
        action="store_false",
        help="do not report what is free, as for a cluster that grows by itself (autoscaler): the hub then never holds "
        "a Workflow back for lack of room",
    )
    add_process_arguments(running, listen=":8081")
    return root


def _label(text: str) -> tuple[str, str]:
    key, separator, value = text.partition("=")
    if not separator or not key:
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=VALUE")
    return key, value


async def _join(options: argparse.Namespace) -> None:
    hub = await Client.connect(options.hub_kubeconfig)
    try:
        await join(
            hub,
            options.cluster,
            options.out,
            labels=dict(options.label),
            lease_seconds=options.lease_seconds,
        )
    finally:
        await hub.close()


async def _run(options: argparse.Namespace) -> None:
    hub = observe(await Client.connect(options.hub_kubeconfig))
    try:
        managed = observe(await Client.connect(options.kubeconfig, compress=False))
        try:
            manager = build(hub, managed, options)
            manager.stop_on_signals()
            log.info("starting", cluster=options.cluster, hub=hub.host, managed=managed.host)
            await manager.run()
        finally:
            await managed.close()
    finally:
        await hub.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 done or stopped as asked, 1 a part failed, 2 wrong use."""
    options = parser().parse_args(arguments)
    logs.configure(level=options.log_level, log_format=options.log_format)
    try:
        uvloop.run(_join(options) if options.command == "join" else _run(options))
    except ConfigError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except ApiError as error:
        print(f"error: {error.message}", file=sys.stderr)
        return 1
    except (JoinError, AddressError, PartFailed) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
