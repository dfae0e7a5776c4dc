"""Names of AppliedManifestWorks: which hub and which work they belong to.

Owns the name's form, which is OCM's, so that either agent finds what the other has applied.
"""

from __future__ import annotations

import hashlib

# Object names have at most 253 characters; the hash takes 64 and the dash one.
MAX_WORK_NAME = 188


def hub_hash(server: str) -> str:
    """Hex SHA-256 of the URL of the hub's API server."""
    return hashlib.sha256(server.encode()).hexdigest()


def applied_work_name(hub: str, work_name: str) -> str:
    """Name of the AppliedManifestWork for a work; `hub` is a `hub_hash`. Longer than allowed for a work name
    of more than MAX_WORK_NAME characters."""
    return f"{hub}-{work_name}"


class Hub:
    """A hub, as the names of its AppliedManifestWorks tell it from others.

    `server`: its URL exactly as the kubeconfig spells it; OCM's agent hashes that. Earlier versions of this
    agent left a trailing slash out: what they have applied keeps its name, or it would be removed as another hub's.
    """

    def __init__(self, server: str) -> None:
        self.hash = hub_hash(server)
        # The same however the server is spelled: for what only Argosy keeps.
        self.address_hash = hub_hash(server.rstrip("/"))

    def applied_name(self, work_name: str) -> str:
        """Name of the AppliedManifestWork that a work is given."""
        return applied_work_name(self.hash, work_name)

    def former_name(self, work_name: str) -> str | None:
        """The name that it was given before the slash counted; None: the same."""
        return None if self.address_hash == self.hash else applied_work_name(self.address_hash, work_name)

    def work_of(self, applied_name: str) -> str | None:
        """The work that an AppliedManifestWork stands for; None if it belongs to another hub."""
        for prefix in (f"{self.hash}-", f"{self.address_hash}-"):
            if applied_name.startswith(prefix):
                return applied_name.removeprefix(prefix)
        return None
