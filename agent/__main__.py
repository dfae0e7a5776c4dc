"""`python -m agent`: joins a cluster to a hub, and runs its agent."""

from __future__ import annotations

import argparse
import asyncio
import base64
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import structlog
import uvloop

from agent.command_line import parser
from agent.credentials import FileKeep, Keep, SecretKeep
from agent.entry import Entry
from agent.hub_kubeconfig import by_token
from agent.join import JoinError, Wish, join
from agent.renewal import Renewal
from agent.wiring import build
from controllers.kube.client import Client
from controllers.kube.configuration import ConfigError
from controllers.kube.kubeconfig import KubeconfigError, cluster_of, parse
from controllers.runtime import logs
from controllers.runtime.clock import now
from controllers.runtime.ending import exit_status
from controllers.runtime.health import AddressError, HealthServer
from controllers.runtime.manager import PartFailed
from controllers.runtime.process import observe

log = structlog.get_logger(__name__)


async def _join(options: argparse.Namespace) -> None:
    if options.service_account and not options.accept:
        raise ConfigError("--service-account needs --accept: only an administrator can make such an account")
    try:
        kubeconfig = _bootstrap(options)
        reached = cluster_of(kubeconfig)
    except (KubeconfigError, OSError) as error:
        raise ConfigError(f"cannot load a kubeconfig from {options.hub_kubeconfig}: {error}") from error
    wish = Wish(
        options.cluster,
        reached,
        labels=dict(options.label),
        lease_seconds=options.lease_seconds,
        accept=options.accept,
        token=options.service_account,
    )
    hub = await Client.connect(kubeconfig)
    try:
        async with asyncio.timeout(options.timeout):
            await join(hub, wish, FileKeep(options.out))
    except TimeoutError as error:
        raise JoinError(
            f"the hub has not accepted {options.cluster} within {options.timeout:.0f} s: accept it there (python -m "
            f"registration accept {options.cluster}), then repeat this command; it goes on with the same request"
        ) from error
    finally:
        await hub.close()


def _bootstrap(options: argparse.Namespace) -> dict[str, Any]:
    """Raises KubeconfigError, OSError."""
    if options.hub_kubeconfig is not None:
        return parse(options.hub_kubeconfig.read_text(), options.hub_kubeconfig.parent)
    if not options.token:
        raise ConfigError("--hub-server needs --token: python -m registration invite makes one on the hub")
    hub = {"server": options.hub_server}
    if options.hub_ca is not None:
        hub["certificate-authority-data"] = base64.b64encode(options.hub_ca.read_bytes()).decode()
    return by_token(hub, options.cluster, options.token)


async def _run(options: argparse.Namespace) -> None:
    managed = observe(await Client.connect(options.kubeconfig, compress=False))
    try:
        keep: Keep
        if options.hub_kubeconfig is not None:
            keep = FileKeep(options.hub_kubeconfig)
        else:
            keep = SecretKeep(managed, *options.hub_kubeconfig_secret)
        wish = Wish(options.cluster, {}, labels=dict(options.label), lease_seconds=options.lease_seconds)
        entry = Entry(keep, wish, _there(options.bootstrap_kubeconfig))
        kubeconfig = await _admitted(entry, options)
        if kubeconfig is None:
            return
        hub = observe(await Client.connect(kubeconfig))
        try:
            manager = build(hub, managed, options)
            renewal = Renewal(
                hub,
                options.cluster,
                keep,
                kubeconfig,
                rejoin=entry.rejoin if entry.may_join else None,
                now=now,
            )
            manager.add_background("certificate", renewal.run)
            manager.stop_on_signals()
            log.info("starting", cluster=options.cluster, hub=hub.host, managed=managed.host)
            await manager.run()
        finally:
            await hub.close()
    finally:
        await managed.close()


def _there(bootstrap: Path | None) -> Path | None:
    """A pod's Secret to join with need not be there when there is one of its own."""
    if bootstrap is not None and not bootstrap.exists():
        log.info("bootstrap_missing", kubeconfig=str(bootstrap))
        return None
    return bootstrap


async def _admitted(entry: Entry, options: argparse.Namespace) -> dict[str, Any] | None:
    """The hub kubeconfig; None: asked to stop before there was one. Waits for the hub as long as it takes, alive."""
    health = None
    if options.listen is not None and entry.may_join:
        host, port = options.listen
        health = HealthServer(host, port, readiness=lambda: {"joined": False})
    waiting = asyncio.create_task(entry.credentials())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, waiting.cancel)
    try:
        if health is not None:
            await health.start()
        return await waiting
    except asyncio.CancelledError:
        return None
    finally:
        if health is not None:
            await health.stop()


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 done or stopped as asked, 1 a part failed, 2 wrong use."""
    options = parser().parse_args(arguments)
    logs.configure(level=options.log_level, log_format=options.log_format)
    command = _join if options.command == "join" else _run
    return exit_status(lambda: uvloop.run(command(options)), failures=(JoinError, AddressError, PartFailed))


if __name__ == "__main__":
    sys.exit(main())
