"""Names of AppliedManifestWorks: which hub and which work they belong to.

Owns the name's form, which is OCM's, so that either agent finds what the other has applied.
"""

from __future__ import annotations

import hashlib

# Object names have at most 253 characters; the hash takes 64 and the dash one.
MAX_WORK_NAME = 188


def hub_hash(hub_host: str) -> str:
    """Hex SHA-256 of the hub's address, which is the URL of its API server as the hub kubeconfig spells it."""
    return hashlib.sha256(hub_host.encode()).hexdigest()


def applied_work_name(hub: str, work_name: str) -> str:
    """Name of the AppliedManifestWork for a work; `hub` is a `hub_hash`. Longer than allowed for a work name
    of more than MAX_WORK_NAME characters."""
    return f"{hub}-{work_name}"


def work_name(hub: str, applied_name: str) -> str | None:
    """The work that an AppliedManifestWork stands for; None if it belongs to another hub."""
    prefix = f"{hub}-"
    return applied_name.removeprefix(prefix) if applied_name.startswith(prefix) else None
