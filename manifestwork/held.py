"""Tells a Workflow's user what holds its deletion up on the cluster.

The cluster's agent says it in the condition Deleting of the ManifestWork; it has no say on Workflows.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec import field

from controllers.api.conditions import find
from controllers.api.meta import Condition
from controllers.api.model import Model
from controllers.api.work import BEING_DELETED, DELETING
from controllers.hub import Waiting
from controllers.kube.object import Object
from controllers.runtime.cache import Change

_EVENT: Final = "NotDeleted"
_CAUSE: Final = "DeletionHeld"
# Characters of it that the annotation takes, whatever an agent has written.
_LIMIT: Final = 1000


class _Status(Model):
    conditions: list[Condition] = field(default_factory=list)


class _Work(Model):
    status: _Status = _Status()


def holding(work: Object) -> str:
    """What the removal of a work waits for; "" if it does not, or its agent does not say."""
    if work.metadata.deletion_timestamp is None:
        return ""
    condition = find(work.decode(_Work).status.conditions, DELETING)
    head, _, text = condition.message.partition(": ") if condition is not None else ("", "", "")
    return text[:_LIMIT] if head == BEING_DELETED else ""


def says_otherwise(change: Change) -> bool:
    """Whether a work's removal waits for something else than before."""
    return change.new is not None and holding(change.new) != (holding(change.old) if change.old else "")


async def tell(waiting: Waiting, workflow: Object, works: Iterable[Object]) -> None:
    """For a Workflow that is being deleted and waits for `works`: an Event and the annotation. Raises ApiError."""
    for work in works:
        if text := holding(work):
            await waiting.report(
                workflow, _EVENT, _CAUSE, f"cluster {work.metadata.namespace} has not removed it yet: {text}"
            )
            return
