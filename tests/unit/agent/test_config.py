"""Which options of a work reach an object, and what becomes of the object in the end."""

from __future__ import annotations

import pytest

from agent.decide.config import UPDATE, Options, disposal, matches, options_for
from controllers.api.manifestconfig import (
    ConditionRule,
    FeedbackRule,
    ManifestConfigOption,
    ResourceIdentifier,
    UpdateStrategy,
)
from controllers.api.work import AppliedResource, DeleteOption, ManifestResourceMeta, SelectivelyOrphan

META = ManifestResourceMeta(
    ordinal=0,
    group="apps",
    version="v1",
    kind="Deployment",
    resource="deployments",
    name="web",
    namespace="prod",
)


def identifier(
    name: str = "web", namespace: str = "prod", group: str = "apps", resource: str = "deployments"
) -> ResourceIdentifier:
    return ResourceIdentifier(group=group, resource=resource, name=name, namespace=namespace)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (identifier(), True),
        (identifier(name="*"), True),
        (identifier(name="w*"), True),
        (identifier(name="*b"), True),
        (identifier(name="w*b"), True),
        (identifier(name="w.b"), False),
        (identifier(name="we"), False),
        (identifier(name="*x*"), False),
        (identifier(namespace="*"), True),
        (identifier(namespace=""), False),
        (identifier(group="*"), False),
        (identifier(resource="*"), False),
        (identifier(group=""), False),
    ],
)
def test_matching(wanted: ResourceIdentifier, expected: bool) -> None:
    assert matches(META, wanted) is expected


def test_a_star_matches_the_empty_namespace_of_cluster_scoped_objects() -> None:
    meta = ManifestResourceMeta(ordinal=0, version="v1", kind="Namespace", resource="namespaces", name="x")
    assert matches(meta, ResourceIdentifier(resource="namespaces", name="x", namespace="*"))


def test_each_field_comes_from_the_first_option_that_sets_it() -> None:
    feedback = [FeedbackRule(type="WellKnownStatus")]
    rules = [ConditionRule(condition="Complete", type="WellKnownConditions")]
    create_only = UpdateStrategy(type="CreateOnly")
    configs = [
        ManifestConfigOption(
            resource_identifier=identifier(name="other"), update_strategy=UpdateStrategy(type="ReadOnly")
        ),
        ManifestConfigOption(resource_identifier=identifier(name="*"), feedback_rules=feedback),
        ManifestConfigOption(
            resource_identifier=identifier(),
            feedback_rules=[FeedbackRule(type="JSONPaths")],
            condition_rules=rules,
            update_strategy=create_only,
        ),
        ManifestConfigOption(
            resource_identifier=identifier(), update_strategy=UpdateStrategy(type="ServerSideApply")
        ),
    ]
    assert options_for(META, configs) == Options(create_only, tuple(feedback), tuple(rules))
    assert options_for(META, []) == Options(UPDATE, (), ())


def selectively(*rules: ResourceIdentifier) -> DeleteOption:
    return DeleteOption(
        propagation_policy="SelectivelyOrphan",
        selectively_orphans=SelectivelyOrphan(orphaning_rules=list(rules)),
    )


@pytest.mark.parametrize(
    ("option", "strategy", "orphan"),
    [
        (None, UPDATE, False),
        (DeleteOption(), UPDATE, False),
        (DeleteOption(propagation_policy="Orphan"), UPDATE, True),
        (DeleteOption(propagation_policy="SelectivelyOrphan"), UPDATE, False),
        (selectively(identifier()), UPDATE, True),
        (selectively(identifier(name="*")), UPDATE, False),
        (selectively(identifier(namespace="other")), UPDATE, False),
        (None, UpdateStrategy(type="ReadOnly"), True),
    ],
)
def test_disposal(option: DeleteOption | None, strategy: UpdateStrategy, orphan: bool) -> None:
    recorded = AppliedResource(
        group="apps", resource="deployments", name="web", namespace="prod", version="v1", uid="u"
    )
    for target in (META, recorded):
        found = disposal(target, option, strategy)
        assert found.orphan is orphan
        assert found.propagation == "Background"
