"""What `python -m registration` does with an administrator's credentials."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path

import yaml

from controllers.api.kinds import MANAGED_CLUSTER, MANIFEST_WORK
from controllers.kube.client import Client
from controllers.kube.errors import NotFound
from controllers.kube.kubeconfig import cluster_of, parse
from controllers.kube.private_file import write_private
from registration.accepting import accept_cluster
from registration.errors import CommandError
from registration.invite import invite

# Seconds between two looks at a cluster that leaves.
_LOOK = 1.0


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
    if options.fingerprint and len(options.cluster) > 1:
        raise CommandError("a fingerprint is that of one cluster's key: accept one cluster at a time with it")
    for name in options.cluster:
        await accept_cluster(hub, name, key=options.fingerprint, dry_run=options.dry_run)


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
