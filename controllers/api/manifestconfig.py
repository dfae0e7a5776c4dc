"""The options of one manifest inside a ManifestWork: how it is applied, what is reported of it.

The `spec.manifestConfigs` part of work.open-cluster-management.io/v1; the rest is in `controllers.api.work`.
Owns the shapes only: what an option makes the agent do is decided in `agent.decide`.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, field

from controllers.api.model import Model, extra

DEFAULT_FIELD_MANAGER = "work-agent"


class ResourceIdentifier(Model):
    """Objects on the managed cluster, by resource (plural), never by kind."""

    group: Annotated[str, Meta(description="API group; empty for the core group.")] = ""
    resource: Annotated[str, Meta(description="Resource name in the API path, such as `deployments`.")]
    name: Annotated[str, Meta(description="Name of the object.")]
    namespace: Annotated[
        str, Meta(description="Namespace of the object; empty for a cluster-scoped one.")
    ] = ""


# -- how it is applied -----------------------------------------------------------------------------------
class IgnoreField(Model):
    """Paths left out of a server-side apply."""

    condition: Annotated[
        str,
        Meta(
            description=(
                "OnSpokePresent leaves the paths out whenever the object exists on the cluster; "
                "OnSpokeChange applies them again only when the manifest itself changed."
            )
        ),
        extra(enum=["OnSpokePresent", "OnSpokeChange"], default="OnSpokePresent"),
    ]
    json_paths: Annotated[
        list[str], Meta(description="The paths, as in `.spec.replicas`."), extra(minItems=1)
    ]


class ServerSideApplyConfig(Model):
    """Options of the ServerSideApply strategy."""

    force: Annotated[bool, Meta(description="Take over fields that other managers own.")] = False
    field_manager: Annotated[
        str,
        Meta(description="Field manager to apply as; must begin with work-agent."),
        extra(pattern="^work-agent", default=DEFAULT_FIELD_MANAGER),
    ] = DEFAULT_FIELD_MANAGER
    ignore_fields: Annotated[
        list[IgnoreField],
        Meta(description="Fields that other actors on the cluster decide."),
        extra(x_kubernetes_list_type="map", x_kubernetes_list_map_keys=["condition"]),
    ] = field(default_factory=list)


class UpdateStrategy(Model):
    """How an object that exists already is brought to its manifest."""

    type: Annotated[
        str,
        Meta(
            description=(
                "Update writes the manifest over the object, CreateOnly leaves an existing object alone, "
                "ServerSideApply applies with a field manager of its own, ReadOnly never writes and only "
                "reports on the object."
            )
        ),
        extra(enum=["Update", "CreateOnly", "ServerSideApply", "ReadOnly"], default="Update"),
    ]
    server_side_apply: Annotated[
        ServerSideApplyConfig | None, Meta(description="Read under ServerSideApply only.")
    ] = None


# -- what is reported back -------------------------------------------------------------------------------
class JsonPath(Model):
    """One value to report."""

    name: Annotated[str, Meta(description="Name of the value in the work's status.")]
    version: Annotated[
        str, Meta(description="API version the path is written for; empty fits any version.")
    ] = ""
    path: Annotated[
        str,
        Meta(
            description=(
                "Path of the value in kubectl's JSONPath, without braces: `.status.phase`. A path that "
                "leads nowhere reports nothing."
            )
        ),
    ]


class FeedbackRule(Model):
    """Which values of the object are copied into the work's status."""

    type: Annotated[
        str,
        Meta(
            description=(
                "WellKnownStatus reports a fixed set for Deployment, DaemonSet, Job and Pod; JSONPaths "
                "reports what jsonPaths lists."
            )
        ),
        extra(enum=["WellKnownStatus", "JSONPaths"]),
    ]
    json_paths: Annotated[
        list[JsonPath],
        Meta(description="The values to report, under JSONPaths."),
        extra(x_kubernetes_list_type="map", x_kubernetes_list_map_keys=["name"]),
    ] = field(default_factory=list)


class ConditionRule(Model):
    """How a condition of the manifest is computed from the live object."""

    condition: Annotated[
        str,
        Meta(
            description=(
                "Type of the condition to set. Complete is special: what is complete is not applied any more."
            )
        ),
    ]
    type: Annotated[
        str,
        Meta(
            description=(
                "CEL evaluates celExpressions; WellKnownConditions knows when a Job and a Pod are complete."
            )
        ),
        extra(enum=["WellKnownConditions", "CEL"]),
    ]
    cel_expressions: Annotated[
        list[str],
        Meta(description="CEL over the variable `object`; the condition is True if all of them are true."),
    ] = field(default_factory=list)
    message: Annotated[str, Meta(description="Message of the condition.")] = ""
    message_expression: Annotated[
        str,
        Meta(
            description=(
                "CEL over `object` and `result` that gives the message; message stands in for an empty one."
            )
        ),
    ] = ""


_NAMED_CEL_RULE = extra(
    x_kubernetes_validations=[
        {
            "rule": "self.type != 'CEL' || self.condition != \"\"",
            "message": "a CEL rule must name its condition",
        }
    ]
)


class ManifestConfigOption(Model):
    """Options for the manifests that `resource_identifier` matches (`agent.decide.config` has the rules)."""

    resource_identifier: Annotated[
        ResourceIdentifier,
        Meta(
            description=(
                "The manifests that the option is about: group and resource exactly, name and namespace with "
                "`*` for any run of characters. Without a match in the work the option does nothing."
            )
        ),
    ]
    feedback_rules: Annotated[
        list[FeedbackRule], Meta(description="Values of the object to report in the work's status.")
    ] = field(default_factory=list)
    update_strategy: Annotated[
        UpdateStrategy | None, Meta(description="How the object is applied; Update if unset.")
    ] = None
    condition_rules: Annotated[
        list[Annotated[ConditionRule, _NAMED_CEL_RULE]],
        Meta(description="Conditions to compute from the object."),
        extra(x_kubernetes_list_type="map", x_kubernetes_list_map_keys=["condition"]),
    ] = field(default_factory=list)
    feedback_scrape_type: Annotated[
        str,
        Meta(description="How OCM's agent notices changes of the object. Argosy's agent always watches."),
        extra(enum=["Poll", "Watch"], default="Poll"),
    ] = "Poll"
