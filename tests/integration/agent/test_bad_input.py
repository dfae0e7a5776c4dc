"""A manifest that is wrong: its condition says what is, and the others of its work are applied."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from agent.decide.manifest import size_of
from agent.decide.naming import MAX_WORK_NAME
from controllers.api.kinds import MANIFEST_WORK, WORKFLOW, Kind
from controllers.kube.patch import merge_patch
from tests.integration.agent import works
from tests.integration.agent.conftest import Pair, running
from tests.integration.agent.works import CLUSTER, CONFIG_MAP, DEPLOYMENT, Json, config_map, manifest, option
from tests.unit.expressions.attacks import doubling, endless

UNKNOWN = Kind("nowhere.example.org", "v1", "Unheard", "unheards")


class Mistake(NamedTuple):
    """A bad manifest that goes between two good ones, given the namespace; the words of its condition, of the type
    `condition`. `spec` is more of the work's spec."""

    manifest: Callable[[str], Json]
    words: tuple[str, ...]
    condition: str = "Applied"
    spec: Callable[[str], dict[str, Any]] = lambda namespace: {}


def without_name(namespace: str) -> Json:
    return {**config_map("", namespace), "metadata": {"namespace": namespace}}


def generated(namespace: str) -> Json:
    return {**config_map("", namespace), "metadata": {"generateName": "g-", "namespace": namespace}}


def wrong(namespace: str) -> Json:
    """An object that its kind's schema refuses."""
    body = works.deployment("wrong", namespace)
    body["spec"]["replicas"] = -1
    return body


def looked_at(kind: Kind, name: str, **fields: Any) -> Callable[[str], dict[str, Any]]:
    return lambda namespace: {"manifestConfigs": [option(kind, name, namespace, **fields)]}


def ignoring(*paths: str) -> Json:
    fields = [{"condition": "OnSpokePresent", "jsonPaths": list(paths)}]
    return {"type": "ServerSideApply", "serverSideApply": {"ignoreFields": fields}}


def stranger(namespace: str) -> dict[str, Any]:
    """An executor who may do nothing with Deployments, the only kind but ConfigMaps here."""
    account = {"namespace": namespace, "name": "nobody"}
    return {"executor": {"subject": {"type": "ServiceAccount", "serviceAccount": account}}}


MISTAKES = {
    "no name": Mistake(without_name, ("name must be set in the manifest",)),
    "a List": Mistake(
        lambda namespace: {"apiVersion": "v1", "kind": "List", "items": [config_map("in-it", namespace)]},
        ("a List is not one object but several", "put each of its items into the work's manifests"),
    ),
    "generateName": Mistake(generated, ("generateName must not be set",)),
    "a name that no object may have": Mistake(
        lambda namespace: config_map("not_a_name", namespace), ('"not_a_name" is invalid', "metadata.name")
    ),
    "a field that its kind does not take": Mistake(wrong, ("spec.replicas", "-1")),
    "no namespace": Mistake(
        lambda _: config_map("homeless", ""), ("namespace must be set in the manifest of a ConfigMap",)
    ),
    "twice the same": Mistake(
        lambda namespace: config_map("first", namespace, a="2"), ("duplicate of manifest 0", "/first")
    ),
    "an unknown kind": Mistake(
        lambda namespace: manifest(UNKNOWN, "x", namespace),
        ('no matches for kind "Unheard" in version "nowhere.example.org/v1"', "install its CRD"),
    ),
    "a path of ignoreFields that does not parse": Mistake(
        lambda namespace: config_map("second", namespace, a="1"),
        (".data[",),
        spec=looked_at(CONFIG_MAP, "second", updateStrategy=ignoring(".data[.a")),
    ),
    "a path of feedback that does not parse": Mistake(
        lambda namespace: config_map("second", namespace, a="1"),
        ("Sync status feedback failed", ".data[.a"),
        "StatusFeedbackSynced",
        looked_at(CONFIG_MAP, "second", feedbackRules=works.values(bad=".data[.a", good=".data.a")),
    ),
}


@pytest.mark.usefixtures("agent")
@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
async def test_it_is_said_of_the_manifest_and_the_others_are_applied(
    pair: Pair, namespace: str, mistake: Mistake
) -> None:
    await works.create(
        pair,
        namespace,
        config_map("first", namespace, a="1"),
        mistake.manifest(namespace),
        config_map("last", namespace, a="1"),
        **mistake.spec(namespace),
    )
    for name in ("first", "last"):
        await works.there(pair, CONFIG_MAP, name, namespace, data={"a": "1"})
    text = await works.condition(pair, namespace, mistake.condition, "False", ordinal=1)
    for word in mistake.words:
        assert word in text
    for ordinal in (0, 2):
        await works.condition(pair, namespace, "Applied", "True", ordinal=ordinal)
    if mistake.condition == "Applied":
        await works.condition(pair, namespace, "Applied", "False")
    else:
        await works.feedback(pair, namespace, {"good": "1"}, ordinal=1)
    await works.delete(pair, namespace)


@pytest.mark.usefixtures("agent")
async def test_what_an_executor_may_not_is_said_and_the_rest_applied(pair: Pair, namespace: str) -> None:
    """The others here are only looked at, for which no permission is asked."""
    look = option(CONFIG_MAP, "c", namespace, updateStrategy=works.strategy("ReadOnly"))
    await pair.managed.create(CONFIG_MAP, config_map("c", namespace), namespace=namespace)
    await works.create(
        pair,
        namespace,
        config_map("c", namespace),
        works.deployment("d", namespace),
        manifestConfigs=[look],
        **stranger(namespace),
    )
    text = await works.condition(pair, namespace, "Applied", "False", ordinal=1)
    assert "not allowed to apply the resource apps deployments" in text
    await works.condition(pair, namespace, "Available", "True", ordinal=0)
    assert await works.find(pair, DEPLOYMENT, "d", namespace) is None


@pytest.mark.usefixtures("agent")
async def test_a_workflow_that_would_end_argo_is_refused_by_the_cluster(pair: Pair, namespace: str) -> None:
    """Argo's controller panics at a template whose name is a number, again at each start."""
    body = manifest(WORKFLOW, "w", namespace)
    body["spec"] = {"entrypoint": "1", "templates": [{"name": 1, "container": {"image": "busybox"}}]}
    await works.create(pair, namespace, body)
    text = await works.condition(pair, namespace, "Applied", "False", ordinal=0)
    assert "spec.templates[0].name" in text
    assert await works.find(pair, WORKFLOW, "w", namespace) is None
    await works.delete(pair, namespace)


# -- too much --------------------------------------------------------------------------------------------
def filled(name: str, namespace: str, kibibytes: int) -> Json:
    return config_map(name, namespace, fill="x" * (kibibytes * 1024))


@pytest.mark.usefixtures("agent")
async def test_what_goes_beyond_500_kib_is_said_and_what_fits_is_applied(pair: Pair, namespace: str) -> None:
    await works.create(
        pair,
        namespace,
        filled("a", namespace, 300),
        filled("b", namespace, 300),
        filled("c", namespace, 100),
    )
    for name in ("a", "c"):
        await works.there(pair, CONFIG_MAP, name, namespace)
    text = await works.condition(pair, namespace, "Applied", "False", ordinal=1)
    assert "more than the 512000 that the manifests of a work may take" in text
    assert "move it to another ManifestWork, or raise --max-manifests-bytes" in text
    for ordinal in (0, 2):
        await works.condition(pair, namespace, "Applied", "True", ordinal=ordinal)
    assert await works.find(pair, CONFIG_MAP, "b", namespace) is None
    await works.change(pair, namespace, filled("b", namespace, 300), filled("c", namespace, 100))
    await works.there(pair, CONFIG_MAP, "b", namespace)
    await works.condition(pair, namespace, "Applied", "True")
    await works.not_there(pair, CONFIG_MAP, "a", namespace)


async def test_the_limit_can_be_set_and_counts_as_on_an_ocm_hub(pair: Pair, namespace: str) -> None:
    one, two = config_map("one", namespace), config_map("two", namespace)
    work = await works.create(pair, namespace, one, two)
    limit = sum(size_of(item) for item in work.spec.workload.manifests)
    async with running(pair, f"--max-manifests-bytes={limit - 1}"):
        await works.condition(pair, namespace, "Applied", "True", ordinal=0)
        text = await works.condition(pair, namespace, "Applied", "False", ordinal=1)
        assert f"more than the {limit - 1} that" in text
    async with running(pair, f"--max-manifests-bytes={limit}"):
        await works.condition(pair, namespace, "Applied", "True")


@pytest.mark.usefixtures("agent")
async def test_an_object_whose_manifest_has_become_one_too_much_stays(pair: Pair, namespace: str) -> None:
    await works.create(pair, namespace, filled("a", namespace, 300), filled("b", namespace, 100))
    await works.condition(pair, namespace, "Applied", "True")
    before = await works.there(pair, CONFIG_MAP, "b", namespace)
    await works.change(pair, namespace, filled("a", namespace, 450), filled("b", namespace, 110))
    await works.condition(pair, namespace, "Applied", "False", ordinal=1)
    after = await works.there(pair, CONFIG_MAP, "b", namespace)
    assert after.metadata.resource_version == before.metadata.resource_version
    await works.recorded(pair, namespace, await works.there(pair, CONFIG_MAP, "a", namespace), after)
    await works.delete(pair, namespace)
    await works.not_there(pair, CONFIG_MAP, "b", namespace, within=0)


# -- the work itself -------------------------------------------------------------------------------------
@pytest.mark.usefixtures("agent")
async def test_a_work_whose_name_is_too_long_says_so_and_can_be_deleted(pair: Pair, namespace: str) -> None:
    name = f"{namespace}-".ljust(MAX_WORK_NAME + 1, "n")
    await works.create(pair, name, config_map("c", namespace))
    text = await works.condition(pair, name, "Applied", "False", ordinal=0)
    assert f"has {MAX_WORK_NAME + 1} characters, and may have {MAX_WORK_NAME}" in text
    assert await works.find(pair, CONFIG_MAP, "c", namespace) is None
    await works.delete(pair, name)
    longest = name[:MAX_WORK_NAME]
    await works.create(pair, longest, config_map("c", namespace))
    await works.there(pair, CONFIG_MAP, "c", namespace)
    await works.delete(pair, longest)


@pytest.mark.usefixtures("agent")
async def test_a_work_without_manifests_is_no_reason_to_end(pair: Pair, namespace: str) -> None:
    """OCM's webhook refuses it. Here it takes away what it had brought before."""
    await works.create(pair, namespace, config_map("c", namespace))
    await works.there(pair, CONFIG_MAP, "c", namespace)
    await pair.hub.patch(
        MANIFEST_WORK,
        namespace,
        merge_patch({"spec": {"workload": {"manifests": []}}}),
        namespace=CLUSTER,
    )
    await works.not_there(pair, CONFIG_MAP, "c", namespace)
    text = await works.condition(pair, namespace, "Available", "Unknown")
    assert "cannot get any available resource" in text
    await works.delete(pair, namespace)


# -- expressions without end -----------------------------------------------------------------------------
def judged(name: str, namespace: str, expression: str) -> dict[str, Any]:
    rule = {"type": "CEL", "condition": "Good", "celExpressions": [expression]}
    return {"manifestConfigs": [option(CONFIG_MAP, name, namespace, conditionRules=[rule])]}


@pytest.mark.usefixtures("agent")
async def test_an_attack_by_cel_costs_only_its_own_condition(pair: Pair, namespace: str) -> None:
    """All at the same time; the innocent one is judged again and again meanwhile."""
    attacks = {f"{namespace}-{number}": attack for number, attack in enumerate((doubling(28), endless()))}
    for name, expression in attacks.items():
        await works.create(
            pair, name, config_map(name, namespace, a="1"), **judged(name, namespace, expression)
        )
    innocent = f"{namespace}-innocent"
    await works.create(
        pair,
        innocent,
        config_map("c", namespace, a="1"),
        **judged("c", namespace, "object.data.a == '2'"),
    )
    await works.condition(pair, innocent, "Good", "False", ordinal=0)
    await works.change(pair, innocent, config_map("c", namespace, a="2"))
    await works.condition(pair, innocent, "Good", "True", ordinal=0)
    for name, expression in attacks.items():
        await works.condition(pair, name, "Applied", "True")
        text = await works.condition(pair, name, "Good", "False", ordinal=0)
        assert text.startswith("ConditionRuleExpressionError: the expression ")
        assert expression[:40] in text
        assert "took more than" in text
        assert text.endswith("make the expression cheaper")
    for name in (innocent, *attacks):
        await works.delete(pair, name)
