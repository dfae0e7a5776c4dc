"""The command line: `python -m hack.fleet <command>`. Reads arguments, shows results, maps errors to exits."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from hack.fleet import admission, binaries, crds, progress, status
from hack.fleet import up as fleet
from hack.fleet.api import Api
from hack.fleet.argo_kinds import USUAL, Form
from hack.fleet.cancel import Cancellation
from hack.fleet.demo import demo
from hack.fleet.errors import FleetError
from hack.fleet.interrupt import as_keyboard_interrupt
from hack.fleet.layout import CRDS, DEFAULT_DIRECTORY, Layout
from hack.fleet.local import LocalFleet
from hack.fleet.up import Wanted
from hack.fleet.versions import BINARIES

_DESCRIPTION = """\
Local Kubernetes clusters without containers: a hub and managed clusters, each with a real API server and
controller manager; managed clusters also have a scheduler, fake nodes and the real Argo controller.
"""

_EPILOG = """\
a first session:
  python -m hack.fleet up            hub, cluster1, cluster2, Argosy's controllers and agents
  python -m hack.fleet status        what runs, on which port, where its log is
  python -m hack.fleet down          stop all of it
  python -m hack.fleet demo          all of that by itself, with the Workflows in examples/

  kubectl --kubeconfig .local/hub.kubeconfig get workflows
  kubectl --kubeconfig .local/cluster1.kubeconfig get workflows,pods

The first `up` gets the binaries: from KUBEBUILDER_ASSETS or PATH if they are there in the right version, else
from the official releases, else by building them with Go (about ten minutes, once). They stay in the user's
cache directory (or ARGOSY_CACHE). Fake pods succeed after a second; a pod labelled
fake.argosy.io/outcome=fail fails, and one labelled fake.argosy.io/duration=30s takes that long.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status is 0, 1 for a failure that was explained, 130 if interrupted."""
    options = _parser().parse_args(arguments)
    # Local servers are never to be asked through a proxy; download hosts still are.
    for name in ("NO_PROXY", "no_proxy"):
        os.environ[name] = ",".join(filter(None, (os.environ.get(name), "127.0.0.1,localhost")))
    errors = Console(stderr=True, soft_wrap=True)
    try:
        with as_keyboard_interrupt():
            return int(options.run(options) or 0)
    except FleetError as error:
        errors.print("[red bold]error:[/red bold]", end=" ")
        errors.print(str(error), markup=False, highlight=False)
        return 1
    except KeyboardInterrupt:
        errors.print("interrupted; nothing that this command started is left running")
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m hack.fleet",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(metavar="command", required=True)

    command = commands.add_parser("up", help="start a fleet and return; does nothing if it is up")
    _directory_option(command)
    _fleet_options(command)
    command.add_argument(
        "--bare", action="store_true", help="clusters with their CRDs and Argo, but nothing of Argosy running"
    )
    command.set_defaults(run=_up)

    command = commands.add_parser("down", help="stop everything of a fleet; its logs stay")
    _directory_option(command)
    command.set_defaults(run=_down)

    command = commands.add_parser("status", help="show what runs; exit status 1 if something is wrong")
    _directory_option(command)
    command.set_defaults(run=_status)

    command = commands.add_parser(
        "demo", help="start a fleet, run the examples, compare hub and clusters, stop the fleet"
    )
    _directory_option(command)
    command.add_argument(
        "--clusters", type=_count_with_work, default=2, help="how many managed clusters (default: 2)"
    )
    command.add_argument("--keep", action="store_true", help="leave the fleet up, and say what to try")
    command.add_argument(
        "--timeout", type=float, default=180, help="seconds for the Workflows to finish (default: 180)"
    )
    command.set_defaults(run=_demo)

    command = commands.add_parser("binary", help="find, download or build one binary and print its path")
    command.add_argument("name", choices=sorted(BINARIES), metavar="name", help=", ".join(sorted(BINARIES)))
    command.set_defaults(run=_binary)

    command = commands.add_parser(
        "crds",
        help="install or uninstall Argosy's CustomResourceDefinitions, and a hub's admission policies, on any cluster",
    )
    command.add_argument("action", choices=("install", "uninstall"))
    command.add_argument("--kubeconfig", type=Path, help="default: KUBECONFIG, or ~/.kube/config")
    command.add_argument(
        "--force", action="store_true", help="install over definitions that OCM or Argo has installed"
    )
    command.add_argument("--context", help="context of the kubeconfig; default: its current one")
    command.add_argument(
        "--role",
        choices=("hub", "managed"),
        default="hub",
        help="managed: only the two that an agent needs on its cluster (default: hub, all of them)",
    )
    command.set_defaults(run=_crds)
    return parser


def _directory_option(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--dir",
        type=Path,
        default=DEFAULT_DIRECTORY,
        help="where the fleet keeps everything; fleets in different directories run side by side "
        "(default: .local in the checkout)",
    )


def _fleet_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--clusters", type=_count, default=2, help="how many managed clusters (default: 2)")
    command.add_argument(
        "--no-argo",
        action="store_true",
        help="don't run Argo's controller on the managed clusters; its kinds are installed all the same",
    )
    command.add_argument(
        "--argo-crds",
        choices=[form.value for form in Form],
        default=USUAL.value,
        help="which of Argo's kinds are defined in full, as on real clusters: all (20 s of CPU time and 600 MB per "
        "cluster), Workflows alone, or none; a malformed Workflow can then end Argo's controller (default: workflow)",
    )


def _count(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 50:
        raise argparse.ArgumentTypeError("must be between 0 and 50")
    return number


def _count_with_work(text: str) -> int:
    number = _count(text)
    if not number:
        raise argparse.ArgumentTypeError("needs a cluster to run Workflows on")
    return number


def _up(options: argparse.Namespace) -> None:
    layout = Layout(options.dir.absolute())
    wanted = Wanted(options.clusters, options.bare, not options.no_argo, Form(options.argo_crds))
    with progress.choose(Console(stderr=True)) as shown:
        running = fleet.up(layout, wanted, shown)
    Console(soft_wrap=True).print(_what_next(running, wanted), highlight=False)


def _what_next(running: LocalFleet, wanted: Wanted) -> str:
    clusters = (running.hub, *running.managed.values())
    lines = ["", "kubeconfigs:"]
    lines += [f"  {each.name:<10} {status.shown_path(each.kubeconfig)}" for each in clusters]
    hub = status.shown_path(running.hub.kubeconfig)
    lines += ["", "to try next:", f"  export KUBECONFIG={hub}"]
    if wanted.bare:
        lines.append(f"  make run KUBECONFIG={hub}        # Argosy's controllers, in the foreground")
    else:
        lines += [
            "  kubectl create -f examples/          # or one file after the other",
            "  kubectl get workflows --watch",
        ]
    lines += ["  make status", "  make down"]
    return "\n".join(lines)


def _down(options: argparse.Namespace) -> None:
    layout = Layout(options.dir.absolute())
    with progress.choose(Console(stderr=True)) as shown:
        if not fleet.down(layout, shown):
            shown.say(f"no fleet in {layout.root}")


def _status(options: argparse.Namespace) -> int:
    layout = Layout(options.dir.absolute())
    found = status.parts(layout)
    if not found:
        raise FleetError(f"no fleet in {layout.root}; `up` starts one")
    console = Console()
    if not console.is_terminal:
        console.width = 200  # for grep and logs: one line per part, whatever the default width
    console.print(status.render(layout, found))
    return 0 if all(each.health in ("ready", "running") for each in found) else 1


def _demo(options: argparse.Namespace) -> int:
    layout = Layout(options.dir.absolute())
    console = Console(soft_wrap=not sys.stdout.isatty())
    return 0 if demo(layout, options.clusters, options.timeout, console, keep=options.keep) else 1


def _binary(options: argparse.Namespace) -> None:
    with progress.choose(Console(stderr=True)) as shown:
        path = binaries.Binaries(shown, Cancellation()).ensure([options.name])[options.name]
    sys.stdout.write(f"{path}\n")


def _crds(options: argparse.Namespace) -> None:
    api = Api(options.kubeconfig, options.context)
    definitions = crds.load_ours(CRDS)
    if options.role == "managed":
        definitions = crds.for_managed(definitions)
    shown = Console(soft_wrap=True)
    policies = admission.load() if options.role == "hub" else []
    if options.action == "install":
        kept = [] if options.force else crds.foreign(api, definitions)
        crds.install(api, [body for body in definitions if body["metadata"]["name"] not in kept])
        said = [f"{len(definitions) - len(kept)} CustomResourceDefinitions are served by {api.server}"]
        said += [f"left as somebody else installed it: {name}" for name in kept]
        if policies and (why := admission.obstacle(api)):
            said.append(f"no admission policies: {why}")
        elif policies:
            admission.install(api, policies)
            said.append(f"{len(policies) // 2} admission policies are in place")
    else:
        removed = admission.uninstall(api, policies)
        gone = crds.uninstall(api, definitions)
        said = [f"{len(gone)} CustomResourceDefinitions removed from {api.server}"]
        said += [f"{removed // 2} admission policies removed"] if removed else []
    shown.print("\n".join(said), highlight=False)
