"""What `python -m registration` does with an administrator's credentials."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path

import yaml

from controllers.acceptance import accept, approve
from controllers.api.cluster import ManagedCluster
from controllers.api.keys import CLUSTER_NAME_LABEL
from controllers.api.kinds import CERTIFICATE_SIGNING_REQUEST, MANAGED_CLUSTER, MANIFEST_WORK
from controllers.api.signing import SigningRequest
from controllers.kube.client import Client
from controllers.kube.errors import NotFound
from controllers.kube.kubeconfig import cluster_of, parse
from controllers.kube.object import Object
from controllers.kube.private_file import write_private
from registration.invite import invite
from registration.judge import Verdict, judge

# Seconds between two looks at a cluster that leaves.
_LOOK = 1.0


class CommandError(Exception):
    """It could not be done; the text says what to do."""


def admin_kubeconfig(options: argparse.Namespace) -> Path:
    """Where kubectl looks: --kubeconfig, else the first of $KUBECONFIG, else ~/.kube/config."""
    if options.kubeconfig:
        return Path(options.kubeconfig)
    first = os.environ.get("KUBECONFIG", "").split(os.pathsep)[0]
    return Path(first) if first else Path.home() / ".kube" / "config"


async def run_invite(hub: Client, options: argparse.Namespace) -> None:
    """Raises ApiError, KubeconfigError, OSError."""
    path = admin_kubeconfig(options)
    reached = cluster_of(parse(path.read_text(), path.parent))
    made = await invite(hub, reached, namespace=options.namespace, seconds=round(options.hours * 3600))
    write_private(options.out, yaml.safe_dump(made.kubeconfig, sort_keys=False).encode())
    print(
        f"""\
{options.out} lets clusters ask to join the hub at {hub.host}, for {options.hours:g} h. It can do nothing else.

Where the cluster is, NAME being its name:
  python -m agent join --cluster NAME --hub-kubeconfig {options.out} --out NAME.agent.kubeconfig
Here, when it has asked (not needed for controllers that run with --auto-accept {made.identity}):
  python -m registration accept NAME"""
    )


async def run_accept(hub: Client, options: argparse.Namespace) -> None:
    """Raises CommandError, ApiError."""
    for name in options.cluster:
        found = await hub.find(MANAGED_CLUSTER, name)
        if found is None:
            raise CommandError(
                f"there is no ManagedCluster {name} at {hub.host}: it has not asked yet (python -m agent join)"
            )
        await accept(hub, name)
        print(f"{name}: accepted, certificate requests approved: {await _approve(hub, found)}")


async def _approve(hub: Client, found: Object) -> int:
    cluster = found.decode(ManagedCluster)
    requests, _ = await hub.list(
        CERTIFICATE_SIGNING_REQUEST, label_selector=f"{CLUSTER_NAME_LABEL}={cluster.metadata.name}"
    )
    count = 0
    for request in requests:
        asked = request.decode(SigningRequest)
        if asked.status.conditions or judge(asked, cluster, ()).verdict is Verdict.NOT_OURS:
            continue
        await approve(hub, request, "AcceptedByAdmin", "Accepted with python -m registration accept")
        count += 1
    return count


async def run_remove(hub: Client, options: argparse.Namespace) -> None:
    """Waits until it is gone. Raises CommandError, ApiError."""
    for name in options.cluster:
        try:
            await hub.delete(MANAGED_CLUSTER, name)
        except NotFound as error:
            raise CommandError(f"there is no ManagedCluster {name} on the hub at {hub.host}") from error
        shown = -1
        while await hub.find(MANAGED_CLUSTER, name) is not None:
            works, _ = await hub.list(MANIFEST_WORK, namespace=name)
            if works and len(works) != shown:
                print(
                    f"{name}: its agent removes what {len(works)} ManifestWorks have applied", file=sys.stderr
                )
                shown = len(works)
            await asyncio.sleep(_LOOK)
        print(f"{name}: left")
