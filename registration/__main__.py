"""`python -m registration`: lets clusters in, and sees them off, as an administrator or as a controller."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

import uvloop

from controllers.kube.client import Client
from controllers.kube.configuration import default_listen
from controllers.kube.kubeconfig import KubeconfigError
from controllers.runtime import logs
from controllers.runtime.ending import exit_status
from controllers.runtime.health import AddressError
from controllers.runtime.manager import PartFailed
from controllers.runtime.process import add_process_arguments
from registration.command import admin_kubeconfig, run_accept, run_invite, run_remove
from registration.errors import CommandError
from registration.running import add_trust_arguments, run

_EXAMPLES = """\
examples:
  python -m registration invite --out bootstrap.kubeconfig     for whoever brings clusters; says how to go on
  python -m registration accept cluster1                       shows who asks, and lets the cluster in
  python -m registration accept cluster1 --fingerprint KEY     this key, whatever speaks against it
  python -m registration remove cluster1                       its agent cleans up, then nothing of it stays here
  python -m registration run                                   its controllers, apart from python -m controllers run

Each of the first takes --kubeconfig of the hub's administrator (default: as kubectl finds it).
"""


def parser() -> argparse.ArgumentParser:
    root = argparse.ArgumentParser(
        prog="python -m registration",
        description="Lets clusters join the hub, and leave it.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = root.add_subparsers(dest="command", required=True, metavar="COMMAND")
    inviting = commands.add_parser("invite", help="make a kubeconfig that can only ask to join")
    inviting.add_argument(
        "--out",
        type=Path,
        default=Path("bootstrap.kubeconfig"),
        help="where to write it (default: %(default)s)",
    )
    inviting.add_argument(
        "--namespace", default="argosy", help="namespace of the account that it is for (default: %(default)s)"
    )
    inviting.add_argument("--hours", type=float, default=1.0, help="how long it holds (default: 1)")
    inviting.set_defaults(run=run_invite)
    accepting = commands.add_parser("accept", help="let clusters in that have asked")
    accepting.add_argument(
        "--fingerprint",
        metavar="KEY",
        help="approve the request with this key (SHA-256, as python -m agent join shows it) and no other, also where "
        "something speaks against it: another cluster's agent asks, several ask, an agent of the cluster lives",
    )
    accepting.add_argument("--dry-run", action="store_true", help="show who asks, and accept nothing")
    accepting.set_defaults(run=run_accept)
    removing = commands.add_parser(
        "remove", help="take clusters off the hub, once their agents have cleaned up"
    )
    removing.set_defaults(run=run_remove)
    running = commands.add_parser(
        "run",
        help="run its controllers in the foreground until Ctrl-C or SIGTERM, beside python -m controllers run "
        "--registration off: the only process that may approve certificates and make roles",
    )
    running.add_argument("--kubeconfig", help="the hub's kubeconfig (default: as kubectl finds it)")
    running.add_argument("--context", help="its context (default: the current one)")
    add_trust_arguments(running)
    add_process_arguments(running, listen=default_listen(8082))
    for command in (accepting, removing):
        command.add_argument("cluster", nargs="+", help="name of the ManagedCluster")
    for command in (inviting, accepting, removing):
        command.add_argument("--kubeconfig", help="the administrator's (default: as kubectl finds it)")
    return root


async def _run(options: argparse.Namespace) -> None:
    hub = await Client.connect(admin_kubeconfig(options))
    try:
        await options.run(hub, options)
    finally:
        await hub.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 done, 1 it could not be done, 2 wrong use."""
    options = parser().parse_args(arguments)
    if options.command == "run":
        logs.configure(level=options.log_level, log_format=options.log_format)
        return exit_status(
            lambda: uvloop.run(run(options)),
            failures=(AddressError, PartFailed),
            refusal="the hub does not answer as it should: ",
        )
    return exit_status(
        lambda: asyncio.run(_run(options)), failures=(CommandError,), wrong_use=(KubeconfigError, OSError)
    )


if __name__ == "__main__":
    sys.exit(main())
