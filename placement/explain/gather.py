"""What explanations are made of: a hub as it is now, and files laid over it that are not applied yet."""

from __future__ import annotations

import asyncio
import functools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
import yaml

from controllers.api import keys
from controllers.api.cluster import AddOnPlacementScore, ManagedCluster, ManagedClusterStatus
from controllers.api.cluster_set import ManagedClusterSet, ManagedClusterSetBinding
from controllers.api.kinds import (
    ADDON_PLACEMENT_SCORE,
    MANAGED_CLUSTER,
    MANAGED_CLUSTER_SET,
    MANAGED_CLUSTER_SET_BINDING,
    PLACEMENT,
    PLACEMENT_DECISION,
    WORKFLOW,
    Kind,
)
from controllers.api.placement import Placement, PlacementDecision
from controllers.kube.client import Client
from controllers.kube.object import Object, Unreadable
from controllers.ownership import placed_cluster
from controllers.runtime.cache import Key
from placement.evaluator.answers import Answers
from placement.evaluator.snapshot import Snapshot, selected

M = TypeVar("M")

_UNFINISHED: Final = f"{keys.ENABLE_LABEL}=true,{keys.COMPLETED_LABEL}!=true"

_LAID_OVER: Final = (
    PLACEMENT,
    WORKFLOW,
    MANAGED_CLUSTER,
    MANAGED_CLUSTER_SET,
    MANAGED_CLUSTER_SET_BINDING,
    ADDON_PLACEMENT_SCORE,
)


class UnreadableError(ValueError):
    """A file that can't be explained. The text names it and says what is wrong."""


@dataclass(frozen=True)
class Drafts:
    """Objects of files, by kind."""

    by_kind: Mapping[Kind, Sequence[Object]] = field(default_factory=dict)

    def of(self, kind: Kind) -> Sequence[Object]:
        return self.by_kind.get(kind, ())


@dataclass(frozen=True)
class Live:
    """Objects by (namespace, name). `workflows`: those that have not finished. `cel`: what CEL selectors say of the
    clusters."""

    clusters: Mapping[Key, ManagedCluster]
    cluster_sets: Mapping[Key, ManagedClusterSet]
    bindings: Mapping[Key, ManagedClusterSetBinding]
    scores: Mapping[Key, AddOnPlacementScore]
    placements: Mapping[Key, Placement]
    decisions: Sequence[PlacementDecision]
    workflows: Mapping[Key, Object]
    cel: Answers = field(default_factory=Answers, compare=False)

    def pages(self, placement: Key) -> list[PlacementDecision]:
        """The decisions of one Placement, in order."""
        own = [page for page in self.decisions if _decided(page) == placement]
        return sorted(own, key=lambda page: page.metadata.name)

    def snapshot(self, placement: Key, now: datetime) -> Snapshot:
        """The hub as the Placement of this key sees it, whether there is one or not."""
        others = (page for page in self.decisions if _decided(page) != placement)
        return Snapshot(
            clusters=list(self.clusters.values()),
            cluster_sets=list(self.cluster_sets.values()),
            bindings=[item for key, item in self.bindings.items() if key[0] == placement[0]],
            decisions=self.pages(placement),
            elsewhere=Counter(selected(others)),
            scores=self.scores,
            now=now,
            cel=self.cel,
        )

    @functools.cached_property
    def active(self) -> Counter[str]:
        """Unfinished Workflows by cluster."""
        return Counter(placed_cluster(item) for item in self.workflows.values())

    def with_drafts(self, drafts: Drafts) -> Live:
        """As it would be if the files were applied. Raises UnreadableError."""
        scores = {**self.scores, **_models(drafts.of(ADDON_PLACEMENT_SCORE), AddOnPlacementScore)}
        return replace(
            self,
            clusters={**self.clusters, **self._clusters(drafts)},
            cluster_sets={**self.cluster_sets, **_models(drafts.of(MANAGED_CLUSTER_SET), ManagedClusterSet)},
            bindings={
                **self.bindings,
                **_models(drafts.of(MANAGED_CLUSTER_SET_BINDING), ManagedClusterSetBinding),
            },
            scores=scores,
            placements={**self.placements, **_models(drafts.of(PLACEMENT), Placement)},
            workflows={**self.workflows, **{item.key: item for item in drafts.of(WORKFLOW)}},
            cel=Answers(scores),
        )

    def _clusters(self, drafts: Drafts) -> dict[Key, ManagedCluster]:
        """A file says what the hub wants of a cluster; what the cluster reports of itself stays, as with an apply."""
        found = _models(drafts.of(MANAGED_CLUSTER), ManagedCluster)
        return {
            key: msgspec.structs.replace(item, status=self.clusters[key].status)
            if key in self.clusters and item.status == ManagedClusterStatus()
            else item
            for key, item in found.items()
        }


async def gather(hub: Client) -> Live:
    """The hub as it is now. Raises ApiError."""

    async def of(kind: Kind, selector: str = "") -> list[Object]:
        return (await hub.list(kind, label_selector=selector))[0]

    clusters, sets, bindings, scores, placements, decisions, workflows = await asyncio.gather(
        of(MANAGED_CLUSTER),
        of(MANAGED_CLUSTER_SET),
        of(MANAGED_CLUSTER_SET_BINDING),
        of(ADDON_PLACEMENT_SCORE),
        of(PLACEMENT),
        of(PLACEMENT_DECISION),
        of(WORKFLOW, _UNFINISHED),
    )
    return Live(
        clusters=_models(clusters, ManagedCluster),
        cluster_sets=_models(sets, ManagedClusterSet),
        bindings=_models(bindings, ManagedClusterSetBinding),
        scores=_models(scores, AddOnPlacementScore),
        placements=_models(placements, Placement),
        decisions=list(_models(decisions, PlacementDecision).values()),
        workflows={item.key: item for item in workflows},
    )


def drafts(paths: Iterable[Path], namespace: str) -> Drafts:
    """The objects of YAML files, those without a namespace in `namespace`. Raises UnreadableError, OSError."""
    by_kind: dict[Kind, list[Object]] = {}
    for path in paths:
        try:
            documents = list(yaml.safe_load_all(path.read_text()))
        except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: a date such as 2026-13-45
            raise UnreadableError(f"{path}: {error}") from error
        for number, body in enumerate(filter(None, documents), start=1):
            where = f"{path}, document {number}"
            kind = _kind(body, where)
            by_kind.setdefault(kind, []).append(_object(body, kind, namespace, where))
    return Drafts(by_kind)


def _kind(body: Any, where: str) -> Kind:
    said = (body.get("apiVersion"), body.get("kind")) if isinstance(body, dict) else (None, None)
    for kind in _LAID_OVER:
        if (kind.api_version, kind.kind) == said:
            return kind
    known = ", ".join(kind.kind for kind in _LAID_OVER)
    raise UnreadableError(f"{where}: {said[0]} {said[1]} says nothing of placement; known are {known}")


def _object(body: dict[str, Any], kind: Kind, namespace: str, where: str) -> Object:
    metadata = body.get("metadata")
    metadata = dict(metadata) if isinstance(metadata, dict) else {}
    if kind.namespaced:
        metadata.setdefault("namespace", namespace)
    if not metadata.get("name"):
        if not metadata.get("generateName"):
            raise UnreadableError(f"{where}: metadata.name is missing")
        metadata["name"] = f"{metadata['generateName']}*"
    try:
        found = Object(msgspec.json.encode({**body, "metadata": metadata}))
    except (Unreadable, TypeError, ValueError, RecursionError) as error:
        raise UnreadableError(f"{where}: {error}") from error
    if found.fault:
        raise UnreadableError(f"{where}: {found.fault}")
    return found


def _models(objects: Iterable[Object], model: type[M]) -> dict[Key, M]:
    found = {}
    for item in objects:
        try:
            found[item.key] = item.decode(model)
        except Unreadable as error:
            raise UnreadableError(f"{model.__name__} {item.metadata.name}: {error.why}") from error
    return found


def _decided(page: PlacementDecision) -> Key:
    return page.metadata.namespace, page.metadata.labels.get(keys.PLACEMENT_LABEL, "")
