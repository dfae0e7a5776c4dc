"""What is thrown: objects of each kind, where they go, and who may throw them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from hypothesis import strategies as st

from controllers.api import keys
from controllers.api.kinds import (
    ADDON_PLACEMENT_SCORE,
    APPLIED_MANIFEST_WORK,
    CLUSTER_CLAIM,
    CONFIG_MAP,
    CRD,
    LEASE,
    MANAGED_CLUSTER,
    MANAGED_CLUSTER_SET,
    MANAGED_CLUSTER_SET_BINDING,
    MANIFEST_WORK,
    NODE,
    PLACEMENT,
    PLACEMENT_DECISION,
    POD,
    WORKFLOW,
    WORKFLOW_STATUS_RESULT,
    Kind,
)
from tests.e2e.fuzz.values import NAMES, TEXTS, Json, Values, anything, content

TENANT: Final = "fuzz-tenant"
# A cluster whose agent is not ours to run: the attacker has its certificate.
EVIL: Final = "fuzz-evil"
# One whose agent runs, and has to put up with it.
TARGET: Final = "cluster2"

ADMIN, AGENT, OWNER, CLUSTER_ADMIN = "admin", "agent", "tenant", "cluster-admin"

# Argo leaves Workflows of another instance alone: what it makes of any content is not for these tests to find out.
_NOT_ARGOS: Final = {"workflows.argoproj.io/controller-instanceid": "nobody"}


@dataclass(frozen=True)
class Thrown:
    """One write of `who`: an object as created, and then its status, where that is written apart."""

    who: str
    kind: Kind
    namespace: str
    body: Json
    status: Any = None

    @property
    def name(self) -> str:
        return str(self.body["metadata"]["name"])


_ANNOTATIONS: Final = (
    keys.PLACEMENT_ANNOTATION,
    keys.CLUSTER_ANNOTATION,
    keys.CLUSTER_NAMESPACE_ANNOTATION,
    keys.ATTEMPTS_ANNOTATION,
    keys.ATTEMPT_ANNOTATION,
    keys.WAITING_ANNOTATION,
    keys.STATUS_ANNOTATION,
    keys.STRATEGY_ANNOTATION,
    keys.NEED_ANNOTATION,
    keys.FAILOVER_ANNOTATION,
    keys.FAILOVER_AFTER_ANNOTATION,
    keys.CHOICE_ANNOTATION,
    keys.HUB_NAMESPACE_ANNOTATION,
    keys.HUB_NAME_ANNOTATION,
    keys.HUB_UID_ANNOTATION,
    "argosy.io/intended",
)
_annotations: Values = st.dictionaries(
    st.sampled_from(_ANNOTATIONS),
    st.sampled_from([*NAMES, *TEXTS, TARGET, EVIL, TENANT, "cpu=1,memory=1Gi", "reschedule", "1", "2"]),
    max_size=4,
)
_labels: Values = st.dictionaries(
    st.sampled_from(
        [
            keys.COMPLETED_LABEL,
            keys.PHASE_LABEL,
            keys.PLACEMENT_LABEL,
            keys.CLUSTER_NAME_LABEL,
            keys.DECISION_GROUP_INDEX_LABEL,
        ]
    ),
    st.sampled_from(["", "true", "false", "Running", "Succeeded", "9" * 63, *NAMES]),
    max_size=2,
)


def _body(kind: Kind, name: str, metadata: Json, **fields: Any) -> Json:
    return {
        "apiVersion": kind.api_version,
        "kind": kind.kind,
        "metadata": {**metadata, "name": name},
        **fields,
    }


_nothing: Values = st.none()


def _thrown(
    kind: Kind,
    namespace: str,
    *who: str,
    names: tuple[str, ...] = tuple(NAMES),
    labels: Json | None = None,
    status: Values = _nothing,
    **fields: Values,
) -> Values:
    def made(by: str, name: str, annotations: Json, more: Json, told: Any, inner: Json) -> Thrown:
        metadata: Json = {"annotations": annotations, "labels": {**more, **(labels or {})}}
        if namespace:
            metadata["namespace"] = namespace
        return Thrown(by, kind, namespace, _body(kind, name, metadata, **inner), told)

    return st.builds(
        made,
        st.sampled_from(who),
        st.sampled_from(names),
        _annotations,
        _labels,
        status,
        st.fixed_dictionaries(fields),
    )


# What a schema asks for that says no more than `object`.
_odd_object: Values = st.dictionaries(
    st.sampled_from(["a", "spec", "status", "nodes", "metadata"]), anything, max_size=3
)
_template: Values = st.one_of(
    anything,
    st.fixed_dictionaries(
        {"name": st.sampled_from(NAMES)},
        optional={
            field: anything | st.just([])
            for field in (
                "container",
                "steps",
                "dag",
                "inputs",
                "inline",
                "resource",
                "withItems",
                "metadata",
            )
        },
    ),
)
_workflow_spec: Values = st.one_of(
    _odd_object,
    st.fixed_dictionaries(
        {},
        optional={
            "entrypoint": st.sampled_from(NAMES) | anything,
            "templates": st.lists(_template, max_size=3) | anything,
            **dict.fromkeys(
                ("arguments", "suspend", "shutdown", "parallelism", "onExit", "workflowTemplateRef"), anything
            ),
        },
    ),
)
_workflow_status: Values = st.one_of(
    _odd_object,
    st.fixed_dictionaries(
        {"phase": st.sampled_from(["Running", "Succeeded", "Failed", "Odd", ""]) | anything},
        optional=dict.fromkeys(("message", "progress", "startedAt", "finishedAt", "nodes"), anything),
    ),
)
_manifest: Values = st.one_of(
    anything,
    st.builds(
        lambda name, data: _body(CONFIG_MAP, name, {"namespace": "default"}, data=data),
        st.sampled_from(NAMES),
        anything,
    ),
    st.builds(
        lambda name, spec: _body(
            WORKFLOW, name, {"namespace": "argo", "labels": dict(_NOT_ARGOS)}, spec=spec
        ),
        st.sampled_from(NAMES),
        _workflow_spec,
    ),
)


def _work_spec() -> Values:
    """With manifests that are, mostly, objects."""
    return st.builds(
        lambda spec, manifests: {**spec, "workload": {"manifests": manifests}},
        content(MANIFEST_WORK, "spec"),
        st.lists(_manifest, max_size=3),
    )


def _ours(enabled: str) -> Json:
    return {keys.ENABLE_LABEL: enabled, **_NOT_ARGOS}


def _definition(name: str, schema: Any) -> Thrown:
    group = f"{name}.example.com"
    names = {"plural": "odds", "singular": "odd", "kind": "Odd", "listKind": "OddList"}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    spec = {"group": group, "scope": "Namespaced", "names": names, "versions": [version]}
    return Thrown(CLUSTER_ADMIN, CRD, "", _body(CRD, f"odds.{group}", {}, spec=spec))


_node_status: Values = st.fixed_dictionaries(
    {},
    optional={
        "capacity": st.dictionaries(
            st.sampled_from(["cpu", "memory", "pods", "a/b"]), st.sampled_from(["1", "1e30", "-1", "9" * 40])
        ),
        "allocatable": st.dictionaries(
            st.sampled_from(["cpu", "memory", "pods"]), st.sampled_from(["1", "1e30", "0", "9" * 40])
        ),
        "conditions": st.just([{"type": "Ready", "status": "True"}]),
    },
)
_requests: Values = st.dictionaries(
    st.sampled_from(["cpu", "memory"]), st.sampled_from(["1", "1e18", "9" * 30, "0"]), max_size=2
)

# -- by identity -----------------------------------------------------------------------------------------
tenants: list[Values] = [
    _thrown(
        WORKFLOW, TENANT, ADMIN, OWNER, labels=_ours("true"), spec=_workflow_spec, status=_workflow_status
    ),
    _thrown(WORKFLOW, TENANT, ADMIN, OWNER, labels=_ours("no"), spec=_workflow_spec),
    _thrown(
        PLACEMENT, TENANT, ADMIN, OWNER, spec=content(PLACEMENT, "spec"), status=content(PLACEMENT, "status")
    ),
    _thrown(
        MANAGED_CLUSTER_SET_BINDING,
        TENANT,
        ADMIN,
        OWNER,
        names=(*NAMES, "default", "global"),
        spec=content(MANAGED_CLUSTER_SET_BINDING, "spec"),
        status=content(MANAGED_CLUSTER_SET_BINDING, "status"),
    ),
]
agents: list[Values] = [
    _thrown(
        MANAGED_CLUSTER,
        "",
        ADMIN,
        AGENT,
        names=(*NAMES, EVIL),
        spec=content(MANAGED_CLUSTER, "spec"),
        status=content(MANAGED_CLUSTER, "status"),
    ),
    _thrown(
        ADDON_PLACEMENT_SCORE,
        EVIL,
        ADMIN,
        AGENT,
        names=(*NAMES, "argosy"),
        status=content(ADDON_PLACEMENT_SCORE, "status"),
    ),
    _thrown(WORKFLOW_STATUS_RESULT, EVIL, ADMIN, AGENT, workflowStatus=_workflow_status),
    _thrown(
        LEASE,
        EVIL,
        ADMIN,
        AGENT,
        names=(keys.CLUSTER_LEASE_NAME, *NAMES),
        spec=st.fixed_dictionaries(
            {},
            optional={
                "renewTime": st.sampled_from(
                    [
                        "0000-01-01T00:00:00.000000Z",
                        "9999-12-31T23:59:59.999999Z",
                        "0001-01-01T00:00:00.000000+14:00",
                    ]
                ),
                "leaseDurationSeconds": st.sampled_from([1, 2**31 - 1]),
                "holderIdentity": st.sampled_from(TEXTS),
            },
        ),
    ),
]
works: list[Values] = [
    *(
        _thrown(
            MANIFEST_WORK,
            cluster,
            ADMIN,
            AGENT,
            labels={keys.ENABLE_LABEL: enabled},
            spec=_work_spec(),
            status=content(MANIFEST_WORK, "status"),
        )
        for cluster in (TARGET, EVIL)
        for enabled in ("true", "no")
    )
]
administrators: list[Values] = [
    _thrown(
        MANAGED_CLUSTER_SET,
        "",
        ADMIN,
        spec=content(MANAGED_CLUSTER_SET, "spec"),
        status=content(MANAGED_CLUSTER_SET, "status"),
    ),
    _thrown(PLACEMENT_DECISION, TENANT, ADMIN, status=content(PLACEMENT_DECISION, "status")),
]
clusters: list[Values] = [
    _thrown(CLUSTER_CLAIM, "", CLUSTER_ADMIN, spec=content(CLUSTER_CLAIM, "spec")),
    _thrown(
        APPLIED_MANIFEST_WORK,
        "",
        CLUSTER_ADMIN,
        spec=content(APPLIED_MANIFEST_WORK, "spec"),
        status=content(APPLIED_MANIFEST_WORK, "status"),
    ),
    _thrown(
        WORKFLOW, "argo", CLUSTER_ADMIN, labels=_ours("false"), spec=_workflow_spec, status=_workflow_status
    ),
    _thrown(NODE, "", CLUSTER_ADMIN, spec=st.just({"unschedulable": True}), status=_node_status),
    _thrown(
        POD,
        "default",
        CLUSTER_ADMIN,
        spec=st.builds(
            lambda asked, node: {
                "schedulerName": "nobody",
                "containers": [{"name": "c", "image": "a", "resources": {"requests": asked}}],
                **({"nodeName": node} if node else {}),
            },
            _requests,
            st.sampled_from(["", *NAMES]),
        ),
    ),
    st.builds(
        _definition, st.sampled_from(NAMES), st.just({"type": "object"}) | content(CLUSTER_CLAIM, "spec")
    ),
]

# One of each.
volley: Values = st.tuples(*tenants, *agents, *works, *administrators, *clusters)
