"""`python -m hack.deploy`: puts Argosy's controllers or an agent into pods of a cluster, and takes them out again.

The CRDs are the business of `python -m hack.fleet crds`, the membership that of `python -m agent join`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from controllers.api.keys import AGENT_MANAGER, MANAGED_BY_LABEL
from controllers.api.kinds import CLUSTER_CLAIM, NAMESPACE
from hack.deploy import kubectl
from hack.deploy.kubectl import Kubectl
from hack.deploy.objects import Json, is_foreign, with_image, with_membership, without
from hack.fleet.errors import FleetError
from hack.fleet.layout import REPOSITORY

BASES: Final = REPOSITORY / "deploy"


@dataclass(frozen=True)
class Part:
    """A kustomize base of deploy/, and its Deployments."""

    base: str
    namespace: str
    deployments: tuple[str, ...]


PARTS: Final = {
    "hub": Part("hub", "argosy", ("argosy-registration", "argosy-controllers")),
    "hub-ocm": Part("hub-ocm", "argosy", ("argosy-controllers",)),
    "agent": Part("agent", "argosy-agent", ("argosy-agent",)),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 done, 1 a failure that was explained, 2 wrong use."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except FleetError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


_DESCRIPTION = """\
Argosy in pods: the controllers on a hub, an agent on each managed cluster. All of it may be repeated, and ends when the
pods are ready, or with what they complain of. The image is yours to build and push (make image); the CRDs come first
(make install). `make deploy` and `make deploy-agent` do all of it in the right order.
"""

_EXAMPLES = """\
examples:
  python -m hack.deploy hub --kubeconfig hub.kubeconfig --image registry.example/argosy:0.1.0
  python -m agent join --cluster cluster1 --hub-kubeconfig hub.kubeconfig --accept --out cluster1.agent.kubeconfig
  python -m hack.deploy agent --cluster cluster1 --hub-kubeconfig cluster1.agent.kubeconfig \\
    --kubeconfig cluster1.kubeconfig --image registry.example/argosy:0.1.0
  python -m hack.deploy remove agent --kubeconfig cluster1.kubeconfig

What is applied: kubectl kustomize deploy/hub (or hub-ocm, agent). $KUBECTL names the kubectl to use.
"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m hack.deploy",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(metavar="command", required=True)
    for name, text in (
        ("hub", "the controllers, on a hub"),
        ("hub-ocm", "the controllers, on a hub with Open Cluster Management"),
        ("agent", "the agent, on a managed cluster"),
    ):
        command = commands.add_parser(name, help=text, description=f"Deploys {text}; safe to repeat.")
        _add_kubeconfig(command)
        command.add_argument("--image", default="", help="what the pods run (default: argosy:0.1.0)")
        command.add_argument(
            "--timeout", type=float, default=180, help="seconds until the pods are ready (default: 180)"
        )
        command.set_defaults(run=_deploy, part=name)
        if name == "agent":
            command.add_argument("--cluster", required=True, help="name of the cluster on the hub")
            hub = command.add_mutually_exclusive_group(required=True)
            hub.add_argument("--hub-kubeconfig", type=Path, help="what `python -m agent join` has written")
            hub.add_argument(
                "--bootstrap-kubeconfig",
                type=Path,
                help="what `python -m registration invite` has written: the agent joins with it by itself",
            )
    command = commands.add_parser("remove", help="delete what one of these has put there; CRDs stay")
    command.add_argument("part", choices=("hub", "agent"))
    _add_kubeconfig(command)
    command.set_defaults(run=_remove)
    return parser


def _add_kubeconfig(command: argparse.ArgumentParser) -> None:
    command.add_argument("--kubeconfig", type=Path, help="of the cluster (default: as kubectl finds it)")


def _deploy(options: argparse.Namespace) -> None:
    part = PARTS[options.part]
    cluster = Kubectl(kubectl.find(), options.kubeconfig)
    rendered = cluster.kustomize(BASES / part.base)
    objects = with_image(rendered, options.image)
    if options.part == "agent":
        membership = _read(options.hub_kubeconfig or options.bootstrap_kubeconfig)
        bootstrap = options.hub_kubeconfig is None
        objects = with_membership(objects, part.namespace, options.cluster, membership, bootstrap=bootstrap)
    objects = _but_foreign_namespaces(cluster, objects)
    _show(cluster.apply(objects))
    if options.part == "hub-ocm":  # the hub may have been one without Open Cluster Management
        _show(cluster.delete(without(cluster.kustomize(BASES / "hub"), rendered)))
    for deployment in part.deployments:
        _show(cluster.wait_for_rollout(part.namespace, deployment, options.timeout))


def _remove(options: argparse.Namespace) -> None:
    """The pods first, and to their end: with the rights that they need to finish what is in flight."""
    cluster = Kubectl(kubectl.find(), options.kubeconfig)
    objects = cluster.kustomize(BASES / PARTS[options.part].base)
    deployments = [body for body in objects if body["kind"] == "Deployment"]
    said = cluster.delete(deployments, "--cascade=foreground")
    if options.part == "agent":  # nobody keeps them true any more
        said += cluster.delete_labelled(CLUSTER_CLAIM, f"{MANAGED_BY_LABEL}={AGENT_MANAGER}")
    said += cluster.delete(_but_foreign_namespaces(cluster, objects))
    _show(said or "there is nothing to remove")


def _but_foreign_namespaces(cluster: Kubectl, objects: Sequence[Json]) -> list[Json]:
    """A namespace that was there before is somebody's: it is neither labelled nor deleted."""
    kept = []
    for body in objects:
        name = body["metadata"]["name"]
        if body["kind"] == NAMESPACE.kind and is_foreign(cluster.labels(NAMESPACE, name)):
            print(
                f"the namespace {name} was there before: left as it is, without the pod security level restricted"
            )
        else:
            kept.append(body)
    return kept


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError as error:
        raise FleetError(f"cannot read {path}: {error.strerror}") from error


def _show(text: str) -> None:
    if text.strip():
        print(text.strip())


if __name__ == "__main__":
    sys.exit(main())
