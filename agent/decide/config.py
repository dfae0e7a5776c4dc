"""Which options of a work apply to one of its objects.

Owns the matching of `spec.manifestConfigs` and the meaning of `spec.deleteOption`, both as OCM's agent has
them (`pkg/work/helper` of open-cluster-management.io/ocm v1.2.0).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

from agent.decide.wildcard import fits
from controllers.api.manifestconfig import (
    ConditionRule,
    FeedbackRule,
    ManifestConfigOption,
    ResourceIdentifier,
    UpdateStrategy,
)
from controllers.api.work import AppliedResource, DeleteOption, ManifestResourceMeta

UPDATE = UpdateStrategy(type="Update")


class Options(NamedTuple):
    """What the options of a work come to for one object."""

    strategy: UpdateStrategy = UPDATE
    feedback_rules: tuple[FeedbackRule, ...] = ()
    condition_rules: tuple[ConditionRule, ...] = ()


class Disposal(NamedTuple):
    """What becomes of an applied object when its work goes, or no longer carries it.

    An orphaned object loses the owner reference and stays. `propagation` is for the delete request:
    Background, as OCM's agent has it under every policy. Foreground in a work means that the work outlives its
    objects, not Kubernetes' foreground deletion.
    """

    orphan: bool
    propagation: Literal["Background"] = "Background"


def options_for(meta: ManifestResourceMeta, configs: Iterable[ManifestConfigOption]) -> Options:
    """The options for the object. Of several that match, each field is taken from the first that sets it."""
    strategy: UpdateStrategy | None = None
    feedback: list[FeedbackRule] = []
    conditions: list[ConditionRule] = []
    for option in configs:
        if not matches(meta, option.resource_identifier):
            continue
        strategy = strategy or option.update_strategy
        feedback = feedback or option.feedback_rules
        conditions = conditions or option.condition_rules
    return Options(strategy or UPDATE, tuple(feedback), tuple(conditions))


def matches(meta: ManifestResourceMeta, wanted: ResourceIdentifier) -> bool:
    """Group and resource match exactly; in name and namespace `*` stands for any run of characters."""
    return (
        meta.group == wanted.group
        and meta.resource == wanted.resource
        and fits(wanted.namespace, meta.namespace)
        and fits(wanted.name, meta.name)
    )


def disposal(
    target: ManifestResourceMeta | AppliedResource,
    delete_option: DeleteOption | None,
    strategy: UpdateStrategy = UPDATE,
) -> Disposal:
    """What to do with the object. One that is only read (ReadOnly) was never the work's to delete."""
    return Disposal(orphan=strategy.type == "ReadOnly" or not _owned(target, delete_option))


def _owned(target: ManifestResourceMeta | AppliedResource, option: DeleteOption | None) -> bool:
    if option is None or option.propagation_policy == "Foreground":
        return True
    if option.propagation_policy == "Orphan":
        return False
    rules = option.selectively_orphans.orphaning_rules if option.selectively_orphans else []
    return not any(
        (rule.group, rule.resource, rule.namespace, rule.name)
        == (target.group, target.resource, target.namespace, target.name)
        for rule in rules
    )
