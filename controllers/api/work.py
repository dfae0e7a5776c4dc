"""work.open-cluster-management.io: ManifestWork and AppliedManifestWork, v1.

Field-compatible with OCM's API (open-cluster-management.io/api v1.2.0): same names, enums, defaults and
list types; the descriptions are ours. `controllers.api.manifestconfig` has the options of single manifests.
Owns the shapes only: what a field makes the agent do is decided in `agent.decide`.
"""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import Meta, Raw, field

from controllers.api.manifestconfig import ManifestConfigOption, ResourceIdentifier
from controllers.api.meta import Condition, ObjectMeta
from controllers.api.model import Int32, Int64, Model, Timestamp, extra

MAX_JSON_RAW = 1024

# OCM's default for all manifests of a work together (`manifestLimit` of its webhook). So much a Workflow may have, too.
MAX_MANIFESTS_BYTES: Final = 500 * 1024
# The condition of a work that is being deleted, and how its message begins; what it waits for may follow, after a
# colon.
DELETING = "Deleting"
BEING_DELETED = "ManifestWork is being deleted"

# Limits of a name that is a DNS subdomain.
_SUBDOMAIN = extra(
    minLength=1,
    maxLength=253,
    pattern=r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*)$",
)

# Any Kubernetes object, kept as the bytes it came in: decoding a work does not decode what it carries.
# The bytes of a decoded work share memory with the message they were decoded from.
Manifest = Annotated[
    Raw,
    Meta(description="One complete Kubernetes object."),
    extra(
        type="object",
        x_kubernetes_embedded_resource=True,
        x_kubernetes_preserve_unknown_fields=True,
    ),
]

Conditions = Annotated[
    list[Condition],
    Meta(description="Conditions, one per type."),
    extra(x_kubernetes_list_type="map", x_kubernetes_list_map_keys=["type"]),
]


# -- spec ------------------------------------------------------------------------------------------------
class Workload(Model):
    """What the work delivers."""

    manifests: Annotated[list[Manifest], Meta(description="The objects to have on the managed cluster.")] = (
        field(default_factory=list)
    )


class SelectivelyOrphan(Model):
    """The objects that outlive the work, under propagation policy SelectivelyOrphan."""

    orphaning_rules: Annotated[
        list[ResourceIdentifier], Meta(description="The objects to leave behind, each named exactly.")
    ] = field(default_factory=list)


class DeleteOption(Model):
    """What becomes of the applied objects when the work goes, and when a finished work goes by itself."""

    propagation_policy: Annotated[
        str,
        Meta(
            description=(
                "Foreground removes the applied objects with the work, Orphan leaves all of them, "
                "SelectivelyOrphan leaves those that selectivelyOrphans names."
            )
        ),
        extra(enum=["Foreground", "Orphan", "SelectivelyOrphan"], default="Foreground"),
    ] = "Foreground"
    selectively_orphans: Annotated[
        SelectivelyOrphan | None, Meta(description="What to leave under SelectivelyOrphan.")
    ] = None
    ttl_seconds_after_finished: Annotated[
        Int64 | None,
        Meta(
            description=(
                "Seconds after its Complete condition turned True that the hub deletes the work; "
                "unset: never, 0: at once."
            )
        ),
    ] = None


class SubjectServiceAccount(Model):
    """A service account of the managed cluster."""

    namespace: Annotated[str, Meta(description="Namespace of the service account."), _SUBDOMAIN]
    name: Annotated[str, Meta(description="Name of the service account."), _SUBDOMAIN]


class ExecutorSubject(Model):
    """The identity whose permissions bound what the agent may apply."""

    type: Annotated[str, Meta(description="Kind of identity."), extra(enum=["ServiceAccount"])]
    service_account: Annotated[
        SubjectServiceAccount | None, Meta(description="The account, under type ServiceAccount.")
    ] = None


class Executor(Model):
    """On whose behalf the manifests are applied."""

    subject: Annotated[
        ExecutorSubject | None,
        Meta(description="The agent applies only what this identity could apply itself."),
    ] = None


class ManifestWorkSpec(Model):
    """What shall be on the managed cluster, and how it gets there."""

    workload: Annotated[Workload, Meta(description="The objects to deliver.")] = Workload()
    delete_option: Annotated[
        DeleteOption | None, Meta(description="What deleting the work does; unset: Foreground.")
    ] = None
    manifest_configs: Annotated[
        list[ManifestConfigOption], Meta(description="Options for single manifests.")
    ] = field(default_factory=list)
    executor: Annotated[
        Executor | None, Meta(description="Unset: the agent's own permissions are the only bound.")
    ] = None


# -- status ----------------------------------------------------------------------------------------------
class FieldValue(Model):
    """A reported value, in the field that `type` names."""

    type: Annotated[
        str,
        Meta(description="Which of the other fields is set."),
        extra(enum=["Integer", "String", "Boolean", "JsonRaw"]),
    ]
    integer: Annotated[Int64 | None, Meta(description="The value, if Integer.")] = None
    string: Annotated[str | None, Meta(description="The value, if String.")] = None
    boolean: Annotated[bool | None, Meta(description="The value, if Boolean.")] = None
    json_raw: Annotated[
        str | None,
        Meta(description="The value as JSON text, if JsonRaw: a list, an object or a fraction."),
        extra(maxLength=MAX_JSON_RAW),
    ] = None


class FeedbackValue(Model):
    """A reported value with its name."""

    name: Annotated[str, Meta(description="The name that the feedback rule gives.")]
    value: Annotated[FieldValue, Meta(description="The value.")] = field(name="fieldValue")


class StatusFeedback(Model):
    """The values that feedback rules produced."""

    values: Annotated[
        list[FeedbackValue],
        Meta(description="One value per name."),
        extra(x_kubernetes_list_type="map", x_kubernetes_list_map_keys=["name"]),
    ] = field(default_factory=list)


class ManifestResourceMeta(Model):
    """Which manifest of the work, and which object it became. What could not be read is left out."""

    ordinal: Annotated[Int32, Meta(description="Position of the manifest in spec, from 0.")]
    group: Annotated[str, Meta(description="API group; empty for the core group.")] = ""
    version: Annotated[str, Meta(description="API version.")] = ""
    kind: Annotated[str, Meta(description="Kind.")] = ""
    resource: Annotated[str, Meta(description="Resource name in the API path.")] = ""
    name: Annotated[str, Meta(description="Name.")] = ""
    namespace: Annotated[str, Meta(description="Namespace; empty for a cluster-scoped object.")] = ""


class ManifestCondition(Model):
    """The state of one manifest on the managed cluster."""

    resource_meta: Annotated[ManifestResourceMeta, Meta(description="The manifest this is about.")]
    status_feedback: Annotated[StatusFeedback, Meta(description="Values reported for feedback rules.")] = (
        StatusFeedback()
    )
    conditions: Conditions


class ManifestResourceStatus(Model):
    """The state of all manifests."""

    manifests: Annotated[
        list[ManifestCondition], Meta(description="One entry per manifest, in the order of spec.")
    ] = field(default_factory=list)


class ManifestWorkStatus(Model):
    """What the agent found and did."""

    conditions: Conditions = field(default_factory=list)
    resource_status: Annotated[
        ManifestResourceStatus, Meta(description="The state of the single manifests.")
    ] = ManifestResourceStatus()


class ManifestWork(Model):
    """Objects that a hub wants on one managed cluster; lives in the cluster's namespace on the hub."""

    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta
    spec: Annotated[ManifestWorkSpec, Meta(description="What shall be on the managed cluster.")] = (
        ManifestWorkSpec()
    )
    status: Annotated[ManifestWorkStatus, Meta(description="What the agent found and did.")] = (
        ManifestWorkStatus()
    )


# -- AppliedManifestWork ---------------------------------------------------------------------------------
class AppliedResource(Model):
    """One object that the agent applied, with the uid that tells it from a later object of the same name."""

    group: Annotated[str, Meta(description="API group; empty for the core group.")] = ""
    resource: Annotated[str, Meta(description="Resource name in the API path.")]
    name: Annotated[str, Meta(description="Name.")]
    namespace: Annotated[str, Meta(description="Namespace; empty for a cluster-scoped object.")] = ""
    version: Annotated[str, Meta(description="API version it was applied with.")]
    uid: Annotated[str, Meta(description="metadata.uid of the object that was applied.")] = ""


class AppliedManifestWorkSpec(Model):
    """Which work of which hub this is the trace of."""

    hub_hash: Annotated[str, Meta(description="Hex SHA-256 of the hub's API server address.")]
    agent_id: Annotated[str, Meta(description="The agent that looks after it.")] = field(
        name="agentID", default=""
    )
    manifest_work_name: Annotated[str, Meta(description="Name of the ManifestWork on the hub.")]


class AppliedManifestWorkStatus(Model):
    """What was applied for the work and is not yet known to be gone."""

    applied_resources: Annotated[
        list[AppliedResource],
        Meta(description="The applied objects; one leaves the list when it was removed or orphaned."),
    ] = field(default_factory=list)
    eviction_start_time: Annotated[
        Timestamp | None,
        Meta(description="Since when the work is missing on the hub, or belongs to another hub."),
    ] = None


class AppliedManifestWork(Model):
    """The trace of a ManifestWork on the managed cluster; owns the objects that were applied for it."""

    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta
    spec: Annotated[AppliedManifestWorkSpec, Meta(description="Which work this is the trace of.")]
    status: Annotated[AppliedManifestWorkStatus, Meta(description="What was applied.")] = (
        AppliedManifestWorkStatus()
    )
