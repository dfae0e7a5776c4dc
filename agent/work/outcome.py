"""What came of one manifest in one pass, as it travels from applying to reporting."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import msgspec

from agent.decide import runonce
from agent.decide.status import Failure, Observation
from agent.work.lacking import Lack
from controllers.api.kinds import Kind
from controllers.api.work import AppliedResource, ManifestResourceMeta
from controllers.api.workflow import FINAL_PHASES
from controllers.kube.object import Object, readable

Json = dict[str, Any]


class _Status(msgspec.Struct):
    status: Json | None = None


class Outcome(NamedTuple):
    """`live` is the object on the cluster. `owned` is False for one that is only looked at (ReadOnly). `lacks` is what
    has to come before it can be applied, if that is known. `again`: where somebody else writes it too, in how many
    seconds it is to be looked at again."""

    observation: Observation
    kind: Kind | None = None
    live: Object | None = None
    lost: runonce.ReportLost | None = None
    owned: bool = True
    lacks: Lack | None = None
    again: float | None = None

    @property
    def meta(self) -> ManifestResourceMeta:
        return self.observation.meta

    def seen(self, *, exists: bool = False, unreadable: str = "") -> Outcome:
        """With no more of an object that could not be applied than that it is there, or why that is not known."""
        observation = replace(self.observation, live=None, exists=exists, unreadable=unreadable)
        return self._replace(observation=observation, live=None)


def failed(
    meta: ManifestResourceMeta,
    text: str,
    kind: Kind | None = None,
    live: Object | None = None,
    lacks: Lack | None = None,
) -> Outcome:
    """The manifest could not be applied; `text` says why."""
    return Outcome(Observation(meta, content(live), failure=Failure(text)), kind, live, lacks=lacks)


def untouched(meta: ManifestResourceMeta, why: str, kind: Kind | None = None, *, complete: bool) -> Outcome:
    """The object was neither written nor looked at; `why` says the reason. One that is complete need not be."""
    failure = None if complete else Failure(why)
    return Outcome(Observation(meta, failure=failure, attempted=not complete, unreadable=why), kind)


def content(live: Object | None) -> Json | None:
    return None if live is None else live.to_dict()


def is_final(live: Object) -> bool:
    """Whether a Workflow has ended."""
    return status_of(live).get("phase") in FINAL_PHASES


def status_of(live: Object) -> Json:
    """The status of an object; {} for none, and for one that cannot be read."""
    found = next(readable([live], _Status), None)
    return found.status or {} if found is not None else {}


def identity(item: AppliedResource | ManifestResourceMeta) -> tuple[str, str, str, str]:
    """What tells one object of a cluster from another, whatever version it is seen in."""
    return (item.group, item.resource, item.namespace, item.name)


def resource(meta: ManifestResourceMeta, uid: str = "") -> AppliedResource:
    """How the AppliedManifestWork lists the object of a manifest."""
    return AppliedResource(
        group=meta.group,
        version=meta.version,
        resource=meta.resource,
        namespace=meta.namespace,
        name=meta.name,
        uid=uid,
    )
