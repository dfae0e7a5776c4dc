"""An explanation of whatever a file or a hub holds ends in words, never in a traceback."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from controllers.kube.object import Object
from placement.decide import Place, Wait
from placement.explain import tables
from placement.explain.gather import Live, UnreadableError, drafts
from placement.explain.report import explain_workflow
from tests.unit.odd import TEXTS, json_of
from tests.unit.placement.capacity.test_odd_specs import SPECS
from tests.unit.placement.evaluator.build import NOW, binding, cluster, placement, scores, selector_set, taint

FREE = {"free.argosy.io/cpu": "2", "free.argosy.io/memory": "1Gi", "free.argosy.io/pods": "9"}
SETTINGS = [
    f"workflows.argoproj.io/ocm-{name}" for name in ("strategy", "need", "failover", "failover-after")
]


def shown(spec: Any, status: Any = None, annotations: dict[str, str] | None = None, **of: Any) -> str:
    """The explanation of a Workflow, on a hub of one cluster."""
    member = cluster("c1", allocatable=of.get("allocatable", FREE), taints=of.get("taints", ()))
    live = Live(
        clusters={("", "c1"): member},
        cluster_sets={("", "all"): selector_set("all", {})},
        bindings={("argo", "all"): binding("all")},
        scores={("c1", "usage"): scores("usage", "c1", valid_until=of.get("valid_until"), free=7)},
        placements={("argo", "any"): placement(prioritizerPolicy=of.get("policy", {}))},
        decisions=[],
        workflows={},
    )
    named = {"workflows.argoproj.io/ocm-placement": "any", **(annotations or {})}
    metadata = {"name": "w", "namespace": "argo", "uid": "u", "annotations": named}
    workflow = Object(msgspec.json.encode({"metadata": metadata, "spec": spec, "status": status}))
    report = explain_workflow(live, workflow, NOW)
    assert isinstance(report.now, Place | Wait)
    console = Console(width=240)
    with console.capture() as capture:
        console.print(tables.of_workflow(report))
    return capture.get()


def encodable(value: Any) -> bool:
    try:
        msgspec.json.decode(msgspec.json.encode(value))
    except (msgspec.DecodeError, ValueError):
        return False
    return True


@pytest.mark.parametrize(
    ("template", "need"),
    [
        ({"dag": [{"x": 1}]}, "nothing"),
        ({"container": {"image": "x", "resources": {"requests": "abc"}}}, "1 pod"),
    ],
)
def test_malformed_templates_are_placed_as_if_they_needed_nothing(template: Any, need: str) -> None:
    text = shown({"entrypoint": "m", "templates": [{"name": "m", **template}]})
    assert f"needs at its widest: {need} (estimated)" in text
    assert "placed now it would go to c1" in text


@settings(max_examples=30)
@given(SPECS.filter(encodable), json_of(st.sampled_from(["phase", "nodes"]), 4).filter(encodable))
def test_any_workflow_is_explained(spec: Any, status: Any) -> None:
    assert "placed now it would" in shown(spec, status)


@settings(max_examples=30)
@given(
    st.dictionaries(st.sampled_from(SETTINGS), TEXTS.filter(encodable)),
    TEXTS,
    TEXTS,
    TEXTS,
)
def test_any_annotation_quantity_time_and_taint_is_explained(
    annotations: dict[str, str], quantity: str, moment: str, text: str
) -> None:
    policy = {
        "mode": "Exact",
        "configurations": [
            {"scoreCoordinate": {"type": "BuiltIn", "builtIn": "ResourceAllocatableCPU"}},
            {"scoreCoordinate": {"type": "AddOn", "addOn": {"resourceName": "usage", "scoreName": "free"}}},
        ],
    }
    allocatable = dict.fromkeys(("cpu", "memory", "free.argosy.io/cpu", "free.argosy.io/pods"), quantity)
    taints = [taint("k", "PreferNoSelect", value=text, added=moment)]
    assert "placed now it would" in shown(
        {}, None, annotations, allocatable=allocatable, valid_until=moment, policy=policy, taints=taints
    )


def test_text_of_others_is_shown_as_it_is() -> None:
    text = shown({}, taints=[taint("k", value="[/bold]:smile:")])
    assert "taint k=[/bold]:smile::NoSelect is not tolerated" in text


HEAD = "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {name: a}\n"


@pytest.mark.parametrize(
    "text",
    [
        *("a: 2026-13-45", "\x00", "&a [*a]"),
        pytest.param("[" * 600, id="deep"),
        f"{HEAD}spec: &a {{b: *a}}\n",
        pytest.param(f"{HEAD}spec: {{a: {'9' * 5000}}}\n", id="digits"),
        f"{HEAD}spec: {{? [1, 2] : a}}\n",
        f'{HEAD}spec: {{a: "\\ud800"}}\n',
    ],
)
def test_a_file_that_no_api_server_would_take_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(UnreadableError) as error:
        drafts([path], "argo")
    assert str(error.value).startswith(str(path))
