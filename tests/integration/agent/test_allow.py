"""What the cluster's administrator has not allowed, no work of the hub brings about, and none sees."""

from __future__ import annotations

import argparse

import pytest

import manifestwork.wiring
import statussync.wiring
from agent.command_line import parser
from agent.work.apply import REPORT_FINALIZER
from controllers.api.kinds import (
    CLUSTER_ROLE,
    EVENT,
    MANAGED_CLUSTER_SET,
    MANAGED_CLUSTER_SET_BINDING,
    NAMESPACE,
    SECRET,
    WORKFLOW,
)
from controllers.kube.patch import merge_patch
from tests.eventually import eventually
from tests.integration import bodies
from tests.integration import running as controllers_of
from tests.integration.agent import works
from tests.integration.agent.conftest import Pair, running
from tests.integration.agent.works import CLUSTER, CONFIG_MAP, Json, config_map, manifest, option, strategy


def secret(name: str, namespace: str) -> Json:
    return manifest(SECRET, name, namespace, stringData={"password": "open sesame"})


async def refused(pair: Pair, name: str, ordinal: int, *words: str) -> None:
    """Waits until a manifest is said to be refused in these words."""
    text = await works.condition(pair, name, "Applied", "False", ordinal=ordinal)
    assert text.startswith(
        "AppliedManifestFailed: Failed to apply manifest: this cluster's agent does not allow"
    )
    for word in words:
        assert word in text


async def test_only_the_namespaces_that_are_listed(pair: Pair, namespace: str) -> None:
    other, inner = f"x-{namespace}", f"{namespace}-inner"
    await pair.managed.create(NAMESPACE, manifest(NAMESPACE, other))
    async with running(pair, f"--allow-namespace={namespace}*"):
        await works.create(
            pair,
            namespace,
            config_map("c", other, a="1"),
            manifest(NAMESPACE, f"y-{namespace}"),
            manifest(CLUSTER_ROLE, namespace, rules=[]),
            config_map("c", namespace, a="1"),
            manifest(NAMESPACE, inner),
            config_map("c", inner, a="1"),
        )
        for space in (namespace, inner):
            await works.there(pair, CONFIG_MAP, "c", space, data={"a": "1"})
        await refused(pair, namespace, 0, f"namespace {other}", f"--allow-namespace {other}")
        await refused(pair, namespace, 1, f"namespace y-{namespace}")
        await refused(pair, namespace, 2, "clusterroles", f"--allow-kind '*' --allow-kind {CLUSTER_ROLE}")
        for ordinal in (3, 4, 5):
            await works.condition(pair, namespace, "Applied", "True", ordinal=ordinal)
        assert await works.find(pair, CONFIG_MAP, "c", other) is None
        assert await works.find(pair, NAMESPACE, f"y-{namespace}") is None
        assert await works.find(pair, CLUSTER_ROLE, namespace) is None
        await works.delete(pair, namespace)


async def test_only_the_kinds_that_are_listed_and_nothing_else_is_looked_at(
    pair: Pair, namespace: str
) -> None:
    await pair.managed.create(SECRET, secret("theirs", namespace), namespace=namespace)
    look = option(
        SECRET,
        "theirs",
        namespace,
        updateStrategy=strategy("ReadOnly"),
        feedbackRules=works.values(password=".data.password"),
    )
    async with running(pair, "--allow-kind=configmaps", "--allow-kind=*.argoproj.io"):
        await works.create(
            pair,
            namespace,
            secret("theirs", namespace),
            secret("ours", namespace),
            config_map("c", namespace, a="1"),
            works.workflow("w", namespace),
            manifestConfigs=[look],
        )
        await works.there(pair, CONFIG_MAP, "c", namespace, data={"a": "1"})
        await works.there(pair, WORKFLOW, "w", namespace)
        for ordinal in (0, 1):
            await refused(pair, namespace, ordinal, "touch secrets", "--allow-kind secrets")
            text = await works.condition(pair, namespace, "Available", "Unknown", ordinal=ordinal)
            assert text.startswith("FetchingResourceFailed: ")
        for ordinal in (2, 3):
            await works.condition(pair, namespace, "Applied", "True", ordinal=ordinal)
        seen = works.at(await works.read(pair, namespace), 0)
        assert seen.status_feedback.values == []
        assert await works.find(pair, SECRET, "ours", namespace) is None
        await works.delete(pair, namespace)
    await works.there(pair, SECRET, "theirs", namespace)


async def test_a_cluster_scoped_kind_that_is_named_is_allowed_beside_a_list_of_namespaces(
    pair: Pair, namespace: str
) -> None:
    arguments = [f"--allow-namespace={namespace}", "--allow-kind=*", f"--allow-kind={CLUSTER_ROLE}"]
    async with running(pair, *arguments):
        role = manifest(CLUSTER_ROLE, namespace, rules=[])
        await works.create(pair, namespace, role, config_map("c", namespace))
        await works.there(pair, CLUSTER_ROLE, namespace)
        await works.condition(pair, namespace, "Applied", "True")
        await works.delete(pair, namespace)
    await works.not_there(pair, CLUSTER_ROLE, namespace, within=0)


# -- a list that has become narrower ---------------------------------------------------------------------
async def test_what_a_wider_list_has_let_in_stays_as_it_is_and_goes_with_its_work(
    pair: Pair, namespace: str
) -> None:
    async with running(pair):
        await works.create(pair, namespace, secret("s", namespace), config_map("c", namespace, a="1"))
        await works.condition(pair, namespace, "Applied", "True")
    async with running(pair, "--allow-kind=configmaps"):
        await refused(pair, namespace, 0, "touch secrets")
        theirs = merge_patch({"metadata": {"labels": {"theirs": "1"}}, "stringData": {"password": "changed"}})
        before = await pair.managed.patch(SECRET, "s", theirs, namespace=namespace)
        await works.change(pair, namespace, secret("s", namespace), config_map("c", namespace, a="2"))
        await works.there(pair, CONFIG_MAP, "c", namespace, data={"a": "2"})
        await refused(pair, namespace, 0, "touch secrets")
        after = await works.there(pair, SECRET, "s", namespace)
        assert after.metadata.resource_version == before.metadata.resource_version
        config = await works.there(pair, CONFIG_MAP, "c", namespace)
        await works.recorded(pair, namespace, after, config)
        await works.delete(pair, namespace)
    await works.not_there(pair, SECRET, "s", namespace, within=0)


async def test_it_goes_too_when_its_manifest_leaves_the_work(pair: Pair, namespace: str) -> None:
    async with running(pair):
        await works.create(pair, namespace, secret("s", namespace), config_map("c", namespace))
        await works.condition(pair, namespace, "Applied", "True")
    async with running(pair, "--allow-kind=configmaps"):
        await works.change(pair, namespace, config_map("c", namespace))
        await works.not_there(pair, SECRET, "s", namespace)


async def test_a_workflow_that_is_not_allowed_any_more_is_not_held(pair: Pair, namespace: str) -> None:
    """Nor is it reported: its end is not for this hub to see."""
    rules = option(WORKFLOW, "w", namespace, feedbackRules=works.values(phase=".status.phase"))
    async with running(pair):
        await works.create(pair, namespace, works.workflow("w", namespace), manifestConfigs=[rules])
        await works.there(pair, WORKFLOW, "w", namespace)
        await works.condition(pair, namespace, "Applied", "True")
    async with running(pair, "--allow-kind=configmaps"):
        await refused(pair, namespace, 0, f"touch {WORKFLOW}")

        async def is_free() -> bool:
            found = await works.there(pair, WORKFLOW, "w", namespace)
            return REPORT_FINALIZER not in found.metadata.finalizers

        await eventually(is_free, what="the copy without our finalizer")
        await works.play_argo(pair, "w", namespace, "Succeeded")
        await works.delete(pair, namespace)
    await works.not_there(pair, WORKFLOW, "w", namespace, within=0)


async def test_a_work_that_is_complete_stays_so(pair: Pair, namespace: str) -> None:
    rules = option(WORKFLOW, "w", namespace, conditionRules=[works.COMPLETE_WHEN_FINAL])
    async with running(pair):
        await works.create(pair, namespace, works.workflow("w", namespace), manifestConfigs=[rules])
        await works.there(pair, WORKFLOW, "w", namespace)
        await works.play_argo(pair, "w", namespace, "Succeeded")
        await works.condition(pair, namespace, "Complete", "True")
    async with running(pair, "--allow-kind=configmaps"):
        text = await works.condition(pair, namespace, "Available", "Unknown", ordinal=0)
        assert "does not allow the hub to touch" in text
        await works.condition(pair, namespace, "Applied", "True")
        await works.condition(pair, namespace, "Complete", "True")


# -- who is told -----------------------------------------------------------------------------------------
async def test_the_user_of_a_workflow_reads_it_in_an_event_on_the_hub(pair: Pair, namespace: str) -> None:
    await pair.hub.create(NAMESPACE, manifest(NAMESPACE, namespace))
    if await pair.hub.find(MANAGED_CLUSTER_SET, "everywhere") is None:
        await pair.hub.create(MANAGED_CLUSTER_SET, bodies.cluster_set("everywhere"))
    await pair.hub.create(MANAGED_CLUSTER_SET_BINDING, bodies.set_binding("everywhere"), namespace=namespace)
    wirings = (manifestwork.wiring.add_to, statussync.wiring.add_to)
    async with (
        running(pair, "--allow-namespace=team-*"),
        controllers_of.running(pair.hub, *wirings),
    ):
        await pair.hub.create(WORKFLOW, bodies.workflow("w", cluster=CLUSTER), namespace=namespace)

        async def told() -> str:
            found, _ = await pair.hub.list(EVENT, namespace=namespace, field_selector="reason=NotApplied")
            return next((str(item.to_dict()["message"]) for item in found), "")

        text = await eventually(told, what="Event NotApplied")
        assert f"does not allow the hub to touch namespace {namespace}" in text
        assert f"--allow-namespace {namespace}" in text
        assert await works.find(pair, WORKFLOW, "w", namespace) is None
        await pair.hub.delete(WORKFLOW, "w", namespace=namespace)

        async def is_gone() -> bool:
            return await pair.hub.find(WORKFLOW, "w", namespace=namespace) is None

        await eventually(is_gone, what="the hub's Workflow gone")


# -- the command line ------------------------------------------------------------------------------------
RUN = ["run", "--cluster", "c", "--hub-kubeconfig", "k"]


def test_patterns_add_up() -> None:
    options = parser().parse_args([*RUN, "--allow-namespace=a", "--allow-namespace=b-*", "--allow-kind=*"])
    assert isinstance(options, argparse.Namespace)
    assert (options.allow_namespace, options.allow_kind) == (["a", "b-*"], ["*"])
    assert parser().parse_args(RUN).allow_kind == []


@pytest.mark.parametrize(
    ("argument", "word"),
    [
        ("--allow-namespace=Team", "is no namespace"),
        ("--allow-namespace=", "is no namespace"),
        ("--allow-kind=apps/v1", "is no kind"),
        ("--max-manifests-bytes=0", "is not a number from 1 to"),
        ("--max-manifests-bytes=1Mi", "is not a number from 1 to"),
    ],
)
def test_what_means_nothing_ends_the_command_with_status_2(
    argument: str, word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parser().parse_args([*RUN, argument])
    assert ended.value.code == 2
    assert word in capsys.readouterr().err
