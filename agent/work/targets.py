"""What a ManifestWork is about: its manifests in the order to apply them, each with the kind that serves it here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from agent.decide.config import options_for
from agent.decide.manifest import Entry, Identity, read_manifests, resource_meta
from agent.decide.order import apply_order
from agent.work.discovery import Discovery, UnknownKind
from agent.work.lacking import Lacking, MissingKind
from agent.work.outcome import resource
from controllers.api.kinds import Kind
from controllers.api.work import AppliedResource, ManifestResourceMeta, ManifestWork


class Served(NamedTuple):
    """A manifest of a kind that the cluster serves."""

    entry: Entry
    identity: Identity
    kind: Kind
    meta: ManifestResourceMeta


class Unserved(NamedTuple):
    """A manifest of none; `why` says the reason, `lacks` what has to come first, if that would help."""

    entry: Entry
    meta: ManifestResourceMeta
    why: str
    lacks: MissingKind | None = None


Target = Served | Unserved


class Targets:
    """Reads works. `limit`: how many bytes the manifests of one may take."""

    def __init__(self, discovery: Discovery, lacking: Lacking, *, limit: int) -> None:
        self._discovery = discovery
        self._lacking = lacking
        self._limit = limit

    async def of(self, work: ManifestWork) -> list[Target]:
        """In the order to apply them. Raises ApiError."""
        entries = read_manifests(work.spec.workload.manifests, limit=self._limit)
        return [await self._target(work, entry) for entry in _in_order(entries)]

    async def _target(self, work: ManifestWork, entry: Entry) -> Target:
        if entry.identity is None:
            return Unserved(entry, resource_meta(entry), entry.problem)
        missing = MissingKind(*entry.identity[:3])
        self._lacking.expect(work.metadata.name, missing)
        try:
            kind = await self._discovery.resolve(*missing)
        except UnknownKind as error:
            return Unserved(entry, resource_meta(entry), str(error), missing)
        return Served(
            entry, entry.identity, kind, resource_meta(entry, kind.plural, namespaced=kind.namespaced)
        )


def to_own(work: ManifestWork, targets: Iterable[Target]) -> list[AppliedResource]:
    """What the work is going to own, as far as the cluster knows its kinds."""
    metas = [item.meta for item in targets if isinstance(item, Served) and not item.entry.problem]
    configs = work.spec.manifest_configs
    return [resource(meta) for meta in metas if options_for(meta, configs).strategy.type != "ReadOnly"]


def _in_order(entries: list[Entry]) -> list[Entry]:
    """Readable manifests by kind rank, then the unreadable ones."""
    readable = [entry for entry in entries if entry.identity is not None]
    identities = [entry.identity for entry in readable if entry.identity is not None]
    ordered = [readable[position] for position in apply_order(identities)]
    return ordered + [entry for entry in entries if entry.identity is None]
