"""One look at a work: what was read of it, and what this process has done for it before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import msgspec

from agent.decide import runonce
from agent.decide.manifest import Identity
from agent.decide.repairs import Repairs
from agent.decide.status import completed_manifest, is_complete
from agent.work.outcome import Json, identity
from agent.work.targets import Target
from controllers.api.work import AppliedManifestWork, AppliedResource, ManifestResourceMeta, ManifestWork
from controllers.kube.object import Object


@dataclass
class Brought:
    """What this process knows of one object that it keeps as its manifest says.

    `digest`: of the manifest that was brought last and its strategy, None: not known. `settled`: of the object, as the
    server has made it of that. `who` disagrees, in words; `rivals` are works that do.
    """

    digest: str | None = None
    settled: str = ""
    repairs: Repairs = field(default_factory=Repairs)
    who: str = ""
    rivals: list[str] = field(default_factory=list)


@dataclass
class Progress:
    """What this process has done for one work. What it does not know of, it does once more."""

    uid: str
    applied: dict[int, int] = field(default_factory=dict)  # ordinal of a manifest -> generation of the work
    objects: dict[Identity, Brought] = field(default_factory=dict)
    failures: int = 0


@dataclass(frozen=True)
class Delivery:
    """`found` is `work` as it was read, `applied` the AppliedManifestWork that owns what it delivers."""

    found: Object
    work: ManifestWork
    targets: Sequence[Target]
    applied: Object
    progress: Progress

    @property
    def name(self) -> str:
        """The work's."""
        return self.work.metadata.name

    @cached_property
    def recorded(self) -> Sequence[AppliedResource]:
        """What was applied before, as the AppliedManifestWork lists it."""
        return self.applied.decode(AppliedManifestWork).status.applied_resources

    @cached_property
    def in_full(self) -> int | None:
        """The ordinal of the Workflow whose whole status the hub gets."""
        return runonce.reported_in_full(item.meta for item in self.targets)

    def has_recorded(self, meta: ManifestResourceMeta) -> bool:
        return identity(meta) in {identity(item) for item in self.recorded}

    def has_applied(self, meta: ManifestResourceMeta, live: Object) -> bool:
        """Whether `live` is the very object that was applied before."""
        return any(
            identity(item) == identity(meta) and item.uid == live.metadata.uid for item in self.recorded
        )

    def is_done(self, meta: ManifestResourceMeta) -> bool:
        """Whether the manifest is not applied any more."""
        return is_complete(self.work) or completed_manifest(self.work, meta)

    def manifest(self, target: Target) -> Json:
        """The object that it describes."""
        decoded: Json = msgspec.json.decode(self.work.spec.workload.manifests[target.entry.ordinal])
        return decoded
