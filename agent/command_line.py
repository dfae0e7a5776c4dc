"""The command line of `python -m agent`."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from agent.decide.allow import BadPatternError, kind_pattern, namespace_pattern
from agent.decide.eviction import FORGOTTEN, RESTORED
from agent.decide.ledger import DEFAULT_RUNS
from controllers.api.work import MAX_MANIFESTS_BYTES
from controllers.kube.configuration import default_listen
from controllers.runtime.process import add_process_arguments

_DESCRIPTION = """\
Argosy's agent: one runs for each managed cluster. It opens all connections itself; the hub needs no way to
reach the cluster and gets no credentials of it.
  join  asks the hub to let the cluster in, and writes the agent's own kubeconfig: a client certificate
  run   applies the ManifestWorks of the cluster and reports their status; renews the certificate
"""

_EXAMPLES = """\
examples:
  with what the hub's administrator got from python -m registration invite:
  python -m agent join --cluster cluster1 --hub-kubeconfig bootstrap.kubeconfig --out agent.kubeconfig
  python -m agent join --cluster cluster1 --hub-server https://hub:6443 --hub-ca ca.crt --token T --out agent.kubeconfig

  as the hub's administrator:
  python -m agent join --cluster cluster1 --hub-kubeconfig hub-admin.kubeconfig --accept --out agent.kubeconfig

  then:
  python -m agent run --cluster cluster1 --hub-kubeconfig agent.kubeconfig --kubeconfig cluster1.kubeconfig

In a pod the agent joins by itself, and keeps its credentials in a Secret of its cluster:
  python -m agent run --cluster cluster1 --bootstrap-kubeconfig /bootstrap/kubeconfig \\
    --hub-kubeconfig-secret argosy-agent/hub-kubeconfig

What the hub may touch on the cluster:
  python -m agent run ... --allow-namespace 'team-*' --allow-kind '*.argoproj.io' --allow-kind configmaps
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
        _add_wish_arguments(command)
    _add_join_arguments(joining)
    _add_run_arguments(running)
    return root


def _add_wish_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--label",
        action="append",
        default=[],
        type=_label,
        metavar="KEY=VALUE",
        help="a label for the ManagedCluster when it joins, for Placements to select by; may be repeated",
    )
    command.add_argument(
        "--lease-seconds",
        type=int,
        default=60,
        help="how often the agent proves that it lives; told to the hub when the cluster joins (default: 60)",
    )


def _add_join_arguments(joining: argparse.ArgumentParser) -> None:
    hub = joining.add_mutually_exclusive_group(required=True)
    hub.add_argument("--hub-kubeconfig", type=Path, help="kubeconfig of the hub to join with")
    hub.add_argument("--hub-server", metavar="URL", help="URL of the hub's API server, to join with --token")
    joining.add_argument("--token", help="bootstrap token, with --hub-server")
    joining.add_argument("--hub-ca", type=Path, metavar="FILE", help="CA of the hub, PEM, with --hub-server")
    joining.add_argument("--out", required=True, type=Path, help="where to write the agent's hub kubeconfig")
    joining.add_argument(
        "--accept",
        action="store_true",
        help="the credentials are an administrator's: let the cluster in at once, without asking",
    )
    joining.add_argument(
        "--service-account",
        action="store_true",
        help="with --accept: a ServiceAccount's token in place of a certificate, for hubs that issue none (EKS)",
    )
    joining.add_argument(
        "--timeout",
        type=float,
        default=600.0,
        metavar="SECONDS",
        help="how long to wait for the hub to accept; repeating the command goes on waiting (default: 600)",
    )
    joining.add_argument("--log-level", default="info", choices=("debug", "info", "warning", "error"))
    joining.add_argument("--log-format", default="auto", choices=("auto", "json", "console"))


def _add_run_arguments(running: argparse.ArgumentParser) -> None:
    hub = running.add_mutually_exclusive_group(required=True)
    hub.add_argument("--hub-kubeconfig", type=Path, help="the agent's hub kubeconfig, as join has written it")
    hub.add_argument(
        "--hub-kubeconfig-secret",
        type=_name,
        metavar="NAMESPACE/NAME",
        help="Secret of the managed cluster to keep it in",
    )
    running.add_argument(
        "--bootstrap-kubeconfig",
        type=Path,
        help="kubeconfig of the hub to join with when there is no usable one of the agent's own; the file need not "
        "be there",
    )
    running.add_argument(
        "--kubeconfig", help="kubeconfig of the managed cluster (default: as kubectl finds it)"
    )
    running.add_argument(
        "--eviction-grace",
        type=float,
        default=FORGOTTEN.total_seconds(),
        metavar="SECONDS",
        help="how long what was applied stays after the hub has forgotten its ManifestWork (default: 3600; a hundred "
        "years, 3153600000, or more: for ever)",
    )
    running.add_argument(
        "--agent-id",
        metavar="ID",
        help="what this agent's traces on the cluster bear (AppliedManifestWork.spec.agentID). Those of another hub "
        "that bear it are left from before the hub changed, and go after --eviction-grace; on a cluster that OCM's "
        "agent has served, give that one's (default: the namespace of the agent's Lease, and argosy-agent)",
    )
    running.add_argument(
        "--restored-grace",
        type=float,
        default=RESTORED.total_seconds(),
        metavar="SECONDS",
        help="how long it stays if the hub has lost the ManifestWork because it was restored from a backup "
        "(default: 604800, a week)",
    )
    running.add_argument(
        "--ledger-namespace",
        metavar="NAMESPACE",
        help="namespace of the managed cluster where the agent keeps, in ConfigMaps, which Workflows have run there "
        "(default: that of its Lease)",
    )
    running.add_argument(
        "--ledger-runs",
        type=_positive,
        default=DEFAULT_RUNS,
        metavar="N",
        help="how many of them: a hub restored from a backup does not have the last N run again "
        f"(default: {DEFAULT_RUNS}, which takes about 3 MB)",
    )
    running.add_argument(
        "--no-free",
        dest="free",
        action="store_false",
        help="do not report what is free, as for a cluster that grows by itself (autoscaler): the hub then never holds "
        "a Workflow back for lack of room",
    )
    _add_bounds(running)
    add_process_arguments(running, listen=default_listen(8081))


def _add_bounds(running: argparse.ArgumentParser) -> None:
    """What of its ManifestWorks the agent refuses."""
    bounds = running.add_argument_group(
        "what a hub may touch on this cluster",
        "Manifests about anything else are refused, and so is looking at it (ReadOnly); the ManifestWork's condition "
        "says so, and the other manifests are applied. What a wider list has let a hub make stays until its "
        "ManifestWork goes.",
    )
    bounds.add_argument(
        "--allow-namespace",
        action="append",
        default=[],
        type=_pattern(namespace_pattern),
        metavar="PATTERN",
        help="a namespace, * stands for any characters: team-*; may be repeated (default: all of them, and "
        "cluster-scoped objects. With a list those need an --allow-kind that names them or their group; a Namespace "
        "needs one that matches its name)",
    )
    bounds.add_argument(
        "--allow-kind",
        action="append",
        default=[],
        type=_pattern(kind_pattern),
        metavar="PATTERN",
        help="a kind as `kubectl api-resources` names it, plural.group, * stands for any characters: "
        "workflows.argoproj.io, *.argoproj.io, configmaps, *; may be repeated (default: all of them)",
    )
    bounds.add_argument(
        "--max-manifests-bytes",
        type=_positive,
        default=MAX_MANIFESTS_BYTES,
        metavar="BYTES",
        help=f"how much the manifests of one ManifestWork may take together; those beyond are refused (default: "
        f"{MAX_MANIFESTS_BYTES}, as on hubs with Open Cluster Management)",
    )


def _pattern(checked: Callable[[str], str]) -> Callable[[str], str]:
    def parse(text: str) -> str:
        try:
            return checked(text)
        except BadPatternError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return parse


def _positive(text: str) -> int:
    if not text.isdecimal() or not 0 < len(text) < 9 or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 99999999")
    return int(text)


def _label(text: str) -> tuple[str, str]:
    key, separator, value = text.partition("=")
    if not separator or not key:
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=VALUE")
    return key, value


def _name(text: str) -> tuple[str, str]:
    namespace, separator, name = text.partition("/")
    if not separator or not namespace or not name:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAMESPACE/NAME")
    return namespace, name
