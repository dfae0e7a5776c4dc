"""`python -m controllers`: the hub's controllers in one process."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import structlog
import uvloop

import manifestwork.expiry.wiring
import manifestwork.wiring
import placement.evaluator.wiring
import placement.sets.wiring
import placement.wiring
import registration.running
import statussync.wiring
from controllers import hub_informers
from controllers.kube.client import Client
from controllers.kube.configuration import ConfigError, default_listen
from controllers.kube.object import Object
from controllers.runtime import logs
from controllers.runtime.aside import SetAside
from controllers.runtime.ending import exit_status
from controllers.runtime.events import Recorder
from controllers.runtime.health import AddressError
from controllers.runtime.informers import Informers
from controllers.runtime.manager import PartFailed
from controllers.runtime.membership import ShardCountError
from controllers.runtime.process import add_process_arguments, add_shards_argument, manager_for, observe

log = structlog.get_logger(__name__)

CONTROLLERS = ("placement", "manifestwork", "statussync")
LEASE_NAME = "argosy-controllers"

_DESCRIPTION = """\
Argosy's hub side. `run` starts three controllers on the hub that your kubeconfig points to:
  placement     annotates each Workflow with a cluster that its Placement selected
  manifestwork  wraps it in a ManifestWork for that cluster
  statussync    copies the run's status back to the Workflow
and, on a hub without Open Cluster Management, what that would do: placement decisions, cluster sets, health,
registration, which lets clusters in, and the end of ManifestWorks that are complete and have a time to live.
"""

_EXAMPLES = """\
examples:
  python -m controllers run                                   $KUBECONFIG, the pod's account, or ~/.kube/config
  python -m controllers run --kubeconfig hub.kubeconfig --listen 127.0.0.1:8080
  python -m controllers run --controllers statussync          one of the three
  python -m controllers run --evaluator off                   somebody else writes the PlacementDecisions
  python -m controllers run --registration off                python -m registration run lets clusters in, elsewhere
  python -m controllers run --shards 8                        the same on 2 to 4 machines: they share the work

While it runs: /healthz, /readyz and /metrics on --listen. The CRDs must be installed: make install.
"""


def parser() -> argparse.ArgumentParser:
    root = argparse.ArgumentParser(
        prog="python -m controllers",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = root.add_subparsers(dest="command", required=True, metavar="COMMAND")
    run = commands.add_parser(
        "run",
        help="run the controllers in the foreground until Ctrl-C or SIGTERM",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    run.add_argument("--kubeconfig", help="the hub's kubeconfig (default: as kubectl finds it)")
    run.add_argument("--context", help="its context (default: the current one)")
    run.add_argument(
        "--controllers",
        default=",".join(CONTROLLERS),
        help="which ones to run, separated by commas (default: all)",
    )
    run.add_argument(
        "--evaluator",
        choices=("auto", "on", "off"),
        default="auto",
        help="make placement decisions ourselves, and do what else the hub of Open Cluster Management does; auto: only "
        "where that is not installed (default)",
    )
    run.add_argument(
        "--registration",
        choices=("on", "off"),
        default="on",
        help="on: let clusters in and watch over them in this process too, where we make the placement decisions; its "
        "account then may approve certificates and make roles. off: python -m registration run does it, as in deploy/, "
        "with an account of its own (default: on)",
    )
    registration.running.add_trust_arguments(run)
    add_shards_argument(run)
    add_process_arguments(run, listen=default_listen(8080))
    return root


async def run(options: argparse.Namespace) -> None:
    """Runs until stopped. Raises ConfigError, ShardCountError, AddressError, PartFailed or, at the start, ApiError."""
    chosen = [name.strip() for name in options.controllers.split(",") if name.strip()]
    if unknown := sorted(set(chosen) - set(CONTROLLERS)):
        raise ConfigError(f"unknown controller {unknown[0]!r}: choose from {', '.join(CONTROLLERS)}")
    if options.registration == "off" and options.auto_accept:
        raise ConfigError("with --registration off, --auto-accept is for python -m registration run")
    client = observe(await Client.connect(options.kubeconfig, options.context, compress=False))
    try:
        recorder = Recorder(client, "argosy")
        manager = manager_for(options, client, LEASE_NAME, recorder)

        def regarding(kind: str, item: Object) -> Object:
            return hub_informers.regarding(informers, kind, item)

        aside = SetAside(recorder, regarding)
        informers = Informers(client, manager, end_on_rewind=True, aside=aside)
        wirings = {
            "placement": placement.wiring.add_to,
            "manifestwork": manifestwork.wiring.add_to,
            "statussync": statussync.wiring.add_to,
        }
        for name in chosen:
            wirings[name](manager, client, informers, recorder)
        beside = {"placement", "manifestwork"}.intersection(chosen)
        if beside and await placement.evaluator.wiring.is_wanted(client, options.evaluator):
            if "placement" in beside:
                placement.evaluator.wiring.add_to(manager, client, informers, recorder)
                placement.sets.wiring.add_to(manager, client, informers, recorder)
                if options.registration == "on":
                    registration.running.add_to(manager, client, informers, recorder, options)
            if "manifestwork" in beside:
                manifestwork.expiry.wiring.add_to(manager, client, informers, recorder)
        manager.stop_on_signals()
        log.info("starting", hub=client.host, controllers=chosen)
        await manager.run()
    finally:
        await client.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 stopped as asked, 1 a part failed, 2 wrong use."""
    options = parser().parse_args(arguments)
    logs.configure(level=options.log_level, log_format=options.log_format)
    return exit_status(
        lambda: uvloop.run(run(options)),
        failures=(AddressError, PartFailed),
        wrong_use=(ShardCountError,),
        refusal="the hub does not answer as it should: ",
    )


if __name__ == "__main__":
    sys.exit(main())
