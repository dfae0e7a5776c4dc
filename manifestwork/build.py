"""A hub Workflow as a ManifestWork: the wire contract of the placement flow. Pure."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec import Raw, field

from controllers.api import keys
from controllers.api.attempts import attempt, mark
from controllers.api.kinds import MANIFEST_WORK, WORKFLOW
from controllers.api.meta import ObjectMeta
from controllers.api.model import Model
from controllers.api.naming import manifest_work_name
from controllers.api.work import MAX_MANIFESTS_BYTES
from controllers.api.workflow import MUTABLE_SPEC, WorkflowSpec
from controllers.kube.object import Object

JsonObject = dict[str, Any]

# Argo puts the Workflow's name into a label of each pod, and a label value has 63 characters at most.
NAME_LIMIT: Final = 63

_FEEDBACK: Final = tuple(
    {"name": name, "path": f".status.{name}"}
    for name in ("phase", "message", "progress", "startedAt", "finishedAt")
)
_COMPLETE_CEL: Final = (
    "has(object.status) && has(object.status.phase) "
    "&& object.status.phase in ['Succeeded', 'Failed', 'Error']"
)
# Labels by which Argo marks what it has done with a Workflow: a copy that carried them would not be run.
_ARGO_STATE_LABELS: Final = (keys.PHASE_LABEL, keys.COMPLETED_LABEL)
_HUB_ONLY_ANNOTATIONS: Final = (
    keys.PLACEMENT_ANNOTATION,
    keys.PLACED_UID_ANNOTATION,
    keys.WAITING_ANNOTATION,
    keys.STATUS_ANNOTATION,
    keys.OBSERVED_ANNOTATION,
    keys.STRATEGY_ANNOTATION,
    keys.NEED_ANNOTATION,
    keys.FAILOVER_ANNOTATION,
    keys.FAILOVER_AFTER_ANNOTATION,
    keys.CHOICE_ANNOTATION,
    keys.ATTEMPTS_ANNOTATION,
    "kubectl.kubernetes.io/last-applied-configuration",
)


class UndeliverableError(ValueError):
    """The Workflow can never run on a cluster. `reason` is one CamelCase word; the text says what to do."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def work_name(name: str, uid: str) -> str:
    """`<workflow name>-<first 5 characters of its uid>`. Raises UndeliverableError when the name is too long."""
    if len(name) > NAME_LIMIT:
        raise UndeliverableError(
            "NameTooLong",
            f"the name has {len(name)} characters and Argo allows {NAME_LIMIT} (it becomes a label of each pod): "
            "create the Workflow under a shorter name",
        )
    return manifest_work_name(name, uid)


def target_namespace(meta: ObjectMeta) -> str:
    """Where the copy goes on the managed cluster: as annotated, else the Workflow's own namespace, else argo."""
    return meta.annotations.get(keys.CLUSTER_NAMESPACE_ANNOTATION) or meta.namespace or keys.ARGO_NAMESPACE


def workflow_copy(workflow: JsonObject, meta: ObjectMeta) -> JsonObject:
    """The Workflow as the managed cluster gets it: the hub's spec, no status, and where it came from."""
    labels = {key: value for key, value in meta.labels.items() if key not in _ARGO_STATE_LABELS}
    annotations = {key: value for key, value in meta.annotations.items() if key not in _HUB_ONLY_ANNOTATIONS}
    return {
        "apiVersion": WORKFLOW.api_version,
        "kind": WORKFLOW.kind,
        "metadata": {
            "name": meta.name,
            "namespace": target_namespace(meta),
            "labels": labels | {keys.ENABLE_LABEL: "false"},
            "annotations": annotations | _origin(meta),
        },
        "spec": workflow.get("spec") or {},
    }


def manifest_work(
    workflow: JsonObject, meta: ObjectMeta, cluster: str, *, claimed: bool = False
) -> JsonObject:
    """The ManifestWork for `cluster`. Raises UndeliverableError.

    It also records which clusters the Workflow was sent to, for when an edit takes that away from the Workflow.
    `claimed`: with the finalizer that the agent would add, which saves it that write.
    """
    copy = workflow_copy(workflow, meta)
    _check_size(copy)
    history = meta.annotations.get(keys.ATTEMPTS_ANNOTATION)
    attempts = {keys.ATTEMPTS_ANNOTATION: history} if history else {}
    finalizers = {"finalizers": [keys.MANIFEST_WORK_FINALIZER]} if claimed else {}
    return {
        "apiVersion": MANIFEST_WORK.api_version,
        "kind": MANIFEST_WORK.kind,
        "metadata": {
            "name": work_name(meta.name, meta.uid),
            "namespace": cluster,
            "labels": {keys.ENABLE_LABEL: "true"},
            "annotations": _origin(meta) | attempts,
            **finalizers,
        },
        "spec": {
            "workload": {"manifests": [copy]},
            "manifestConfigs": [_config(copy["metadata"]["namespace"], meta.name)],
        },
    }


def _check_size(copy: JsonObject) -> None:
    size = len(msgspec.json.encode(copy))
    if size > MAX_MANIFESTS_BYTES:
        raise UndeliverableError(
            "TooLarge",
            f"it has {size // 1024} KiB without its status, and at most {MAX_MANIFESTS_BYTES // 1024} KiB can be sent "
            "to a cluster: move what is large into artifacts, or templates into WorkflowTemplates on the cluster",
        )


def _config(namespace: str, name: str) -> JsonObject:
    return {
        "resourceIdentifier": {
            "group": WORKFLOW.group,
            "resource": WORKFLOW.plural,
            "namespace": namespace,
            "name": name,
        },
        "feedbackRules": [{"type": "JSONPaths", "jsonPaths": [dict(item) for item in _FEEDBACK]}],
        # OCM's agent polls unless asked to watch. It would miss the end of a Workflow that its TTL removes between
        # two polls, and run it again at the next resync.
        "feedbackScrapeType": "Watch",
        "updateStrategy": update_strategy(steered=False),
        # A complete work is not applied any more, so a finished copy that its TTL removed is not run again.
        "conditionRules": [
            {
                "type": "CEL",
                "condition": "Complete",
                "celExpressions": [_COMPLETE_CEL],
                "message": "The Workflow has finished",
            }
        ],
    }


def update_strategy(*, steered: bool) -> JsonObject:
    """How an agent may write the copy.

    Server-side apply sends only the fields of the manifest: a running Workflow's status is not among them and so
    is never wiped, as a plain Update does. Argo's controller writes into the spec and owns it from then on, so
    the spec is left alone once the copy exists, or each resync of OCM's agent would end in a conflict.
    `steered`: the user has changed one of the MUTABLE_SPEC fields on the hub, which is to win over Argo's ownership.
    """
    apply: JsonObject = {"force": steered, "fieldManager": "work-agent"}
    if not steered:
        apply["ignoreFields"] = [{"condition": "OnSpokePresent", "jsonPaths": [".spec"]}]
    return {"type": "ServerSideApply", "serverSideApply": apply}


def _origin(meta: ObjectMeta) -> dict[str, str]:
    return {
        keys.HUB_NAMESPACE_ANNOTATION: meta.namespace,
        keys.HUB_NAME_ANNOTATION: meta.name,
        keys.HUB_UID_ANNOTATION: meta.uid,
        **mark(attempt(meta.annotations)),
    }


class _Steerable(Model):
    """A Workflow as far as its user may change it while it runs; nothing else of it is decoded."""

    spec: WorkflowSpec | None = None


class _Workload(Model):
    manifests: list[Raw] = field(default_factory=list)


class _WorkSpec(Model):
    workload: _Workload = _Workload()


class _Work(Model):
    spec: _WorkSpec = _WorkSpec()


def is_carried(work: Object, workflow: Object) -> bool:
    """Whether the ManifestWork has the mutable fields as the hub's Workflow has them: `carry` would say None.

    Asked for each change of a hub Workflow, which mostly is one of its status: so only these fields are decoded.
    """
    manifests = work.decode(_Work).spec.workload.manifests
    if not manifests:
        return True
    delivered = msgspec.json.decode(manifests[0], type=_Steerable).spec
    return (delivered or WorkflowSpec()) == (workflow.decode(_Steerable).spec or WorkflowSpec())


def carry(work_spec: JsonObject, hub_spec: JsonObject) -> JsonObject | None:
    """A merge patch of a ManifestWork's spec that brings the mutable fields to where they are on the hub now.

    None when they are so already. Only those fields: a Workflow that runs is never rewritten.
    """
    manifests = work_spec["workload"]["manifests"]
    if not manifests:
        return None
    spec = dict(manifests[0].get("spec") or {})
    wanted = {name: value for name in MUTABLE_SPEC if (value := hub_spec.get(name)) is not None}
    present = {name: value for name in MUTABLE_SPEC if (value := spec.get(name)) is not None}
    if wanted == present:
        return None
    for name in MUTABLE_SPEC:
        spec.pop(name, None)
    changed = [{**manifests[0], "spec": spec | wanted}, *manifests[1:]]
    configs = [
        {**config, "updateStrategy": update_strategy(steered=True)}
        for config in work_spec.get("manifestConfigs") or []
    ]
    return {"workload": {"manifests": changed}, "manifestConfigs": configs}
