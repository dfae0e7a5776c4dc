"""`python -m registration run`: registration and cluster health as a process, and so an account, of their own.

Who may approve certificates can make itself anybody. So where it matters this is not the process that reads what users
write: Workflows, Placements, CEL.
"""

from __future__ import annotations

import argparse

import structlog

import registration.health.wiring
import registration.wiring
from controllers.api.membership import LONGEST_CERTIFICATE_SECONDS
from controllers.kube.client import Client
from controllers.kube.configuration import ConfigError
from controllers.ocm import is_ocm_hub
from controllers.runtime.events import Recorder
from controllers.runtime.informers import Informers
from controllers.runtime.manager import Manager
from controllers.runtime.process import elector_for, observe

log = structlog.get_logger(__name__)

LEASE_NAME = "argosy-registration"
_DAY = 24 * 3600


def add_trust_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds --auto-accept and --max-certificate-days."""
    parser.add_argument(
        "--auto-accept",
        action="append",
        default=[],
        metavar="IDENTITY",
        help="let in clusters that this user or group registers, without a person, unless something speaks against it: "
        "system:serviceaccount:argosy:agent-bootstrap for those with python -m registration invite; may be repeated",
    )
    parser.add_argument(
        "--max-certificate-days",
        type=_days,
        default=LONGEST_CERTIFICATE_SECONDS // _DAY,
        metavar="DAYS",
        help="approve without a person no certificate that is asked for longer; Argosy's agents ask for 30 days, those "
        "of Open Cluster Management for what Klusterlet says in clientCertExpirationSeconds, mostly nothing; 0: any "
        "(default: %(default)s)",
    )


def add_to(
    manager: Manager, client: Client, informers: Informers, recorder: Recorder, options: argparse.Namespace
) -> None:
    """Adds health and registration to `manager`, with the arguments of `add_trust_arguments`."""
    registration.health.wiring.add_to(manager, client, informers, recorder)
    longest = options.max_certificate_days * _DAY
    registration.wiring.add_to(manager, client, informers, recorder, options.auto_accept, longest)


async def run(options: argparse.Namespace) -> None:
    """Runs until stopped. Raises ConfigError, AddressError, PartFailed or, at the start, ApiError."""
    client = observe(await Client.connect(options.kubeconfig, options.context, compress=False))
    try:
        if await is_ocm_hub(client):
            raise ConfigError(
                f"Open Cluster Management is installed on the hub at {client.host} and lets clusters in itself: "
                "registration is not for there"
            )
        recorder = Recorder(client, "argosy")
        manager = Manager(
            listen=options.listen, elector=elector_for(options, client, LEASE_NAME), recorder=recorder
        )
        add_to(manager, client, Informers(client, manager, end_on_rewind=True), recorder, options)
        manager.stop_on_signals()
        log.info("starting", hub=client.host)
        await manager.run()
    finally:
        await client.close()


def _days(text: str) -> int:
    if not text.isdecimal() or len(text) > 5:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of days from 0 to 99999")
    return int(text)
