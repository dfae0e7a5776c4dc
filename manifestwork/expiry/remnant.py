"""What is kept of a ManifestWork to know when it is to go: its lifetime and its condition Complete, no manifests."""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import field

from controllers.api import keys
from controllers.api.conditions import find
from controllers.api.kinds import MANIFEST_WORK
from controllers.api.meta import Condition
from controllers.api.model import Model
from controllers.api.work import DeleteOption
from controllers.kube.object import Object, Unreadable
from controllers.runtime.scope import Scope
from manifestwork.expiry.decide import COMPLETE

# Not those of Workflows: their hub would send such a Workflow anew. Nor those that OCM's ManifestWorkReplicaSets make,
# which their own controller would.
SCOPE: Final = Scope(
    MANIFEST_WORK,
    label_selector=f"{keys.ENABLE_LABEL}!=true,!work.open-cluster-management.io/manifestworkreplicaset",
)


class _Spec(Model):
    delete_option: DeleteOption | None = None


class _Status(Model):
    conditions: list[Condition] = field(default_factory=list)


class _Work(Model):
    spec: _Spec = _Spec()
    status: _Status = _Status()


class Remnant(Model):
    """`ttl`: deleteOption.ttlSecondsAfterFinished. `conditions`: Complete, or none."""

    ttl: int | None = None
    conditions: list[Condition] = field(default_factory=list)


def remnant(work: Object) -> Object:
    """The work with nothing in it but what tells it from others and from its earlier states, and a Remnant."""
    meta = work.metadata
    going = {"metadata": {"deletionTimestamp": meta.deletion_timestamp}} if meta.deletion_timestamp else {}
    try:
        found = work.decode(_Work)
    except Unreadable:  # whoever writes such a thing keeps it
        return work.reduced(**going)
    option, complete = found.spec.delete_option, find(found.status.conditions, COMPLETE)
    kept = Remnant(
        ttl=option.ttl_seconds_after_finished if option is not None else None,
        conditions=[complete] if complete is not None else [],
    )
    return work.reduced(**msgspec.to_builtins(kept), **going)
