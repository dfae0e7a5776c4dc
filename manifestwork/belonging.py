"""Which ManifestWork is whose: of a Workflow, and of which of its attempts. Pure."""

from __future__ import annotations

from controllers.api import keys
from controllers.api.attempts import attempt, attempt_of
from controllers.api.naming import manifest_work_name
from controllers.kube.object import Object


def is_fenced(work: Object, workflow: Object) -> bool:
    """Whether `work` is of an earlier attempt of this Workflow: what it says does not count, and it is to go."""
    return belongs(work, workflow) and attempt_of(work.metadata.annotations) < attempt(
        workflow.metadata.annotations
    )


def belongs(work: Object, workflow: Object) -> bool:
    """Whether `work` carries this very Workflow, not an earlier one of the same name.

    Works of the reference implementation have no uid annotation; the five characters in the name decide then.
    """
    uid = work.metadata.annotations.get(keys.HUB_UID_ANNOTATION)
    if uid is not None:
        return uid == workflow.metadata.uid
    return work.metadata.name == manifest_work_name(workflow.metadata.name, workflow.metadata.uid)
