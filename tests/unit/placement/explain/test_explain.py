"""What is said of a Placement and of a Workflow, from files alone: a hub that has nothing yet."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console, RenderableType

from controllers.api.kinds import PLACEMENT, WORKFLOW
from placement.decide import Place, Wait
from placement.evaluator.evaluate import evaluate
from placement.explain import tables
from placement.explain.gather import Live, UnreadableError, drafts
from placement.explain.report import PlacementReport, WorkflowReport, explain_placement, explain_workflow
from placement.explain.words import refusals

NOW = datetime(2026, 1, 1, tzinfo=UTC)

PLACEMENT_HEAD = "apiVersion: cluster.open-cluster-management.io/v1beta1\nkind: Placement\n"

FLEET = """
apiVersion: cluster.open-cluster-management.io/v1beta2
kind: ManagedClusterSet
metadata: {name: all}
spec: {clusterSelector: {selectorType: LabelSelector, labelSelector: {matchExpressions: [
  {key: outside, operator: DoesNotExist}]}}}
---
apiVersion: cluster.open-cluster-management.io/v1beta2
kind: ManagedClusterSetBinding
metadata: {name: all}
spec: {clusterSet: all}
---
apiVersion: cluster.open-cluster-management.io/v1
kind: ManagedCluster
metadata: {name: a, labels: {zone: x}}
status: {allocatable: {free.argosy.io/cpu: "8", free.argosy.io/memory: "17179869184", free.argosy.io/pods: "10"}}
---
apiVersion: cluster.open-cluster-management.io/v1
kind: ManagedCluster
metadata: {name: b, labels: {zone: x}}
---
apiVersion: cluster.open-cluster-management.io/v1
kind: ManagedCluster
metadata: {name: c, labels: {zone: y}}
---
apiVersion: cluster.open-cluster-management.io/v1
kind: ManagedCluster
metadata: {name: d, labels: {zone: x}}
spec: {taints: [{key: upgrade, effect: NoSelect}]}
---
apiVersion: cluster.open-cluster-management.io/v1
kind: ManagedCluster
metadata: {name: e, labels: {outside: "yes"}}
---
apiVersion: cluster.open-cluster-management.io/v1beta1
kind: Placement
metadata: {name: p}
spec:
  numberOfClusters: 1
  predicates: [{requiredClusterSelector: {labelSelector: {matchLabels: {zone: x}}}}]
---
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata:
  generateName: w-
  labels: {workflows.argoproj.io/enable-ocm-multicluster: "true"}
  annotations: {workflows.argoproj.io/ocm-placement: p}
spec:
  entrypoint: main
  templates: [{name: main, container: {image: x, resources: {requests: {cpu: "2", memory: 1Gi}}}}]
"""


def explained(tmp_path: Path, text: str = FLEET) -> tuple[PlacementReport, WorkflowReport]:
    path = tmp_path / "fleet.yaml"
    path.write_text(text)
    files = drafts([path], "argo")
    live = Live({}, {}, {}, {}, {}, [], {}).with_drafts(files)
    (placement,) = live.placements.values()
    (workflow,) = files.of(WORKFLOW)
    return explain_placement(live, placement, NOW), explain_workflow(live, workflow, NOW)


def text_of(shown: RenderableType) -> str:
    console = Console(width=200, no_color=True)
    with console.capture() as capture:
        console.print(shown)
    return capture.get()


def test_every_cluster_of_the_sets_has_a_row_that_says_why_not(tmp_path: Path) -> None:
    report, _ = explained(tmp_path)
    assert {row.cluster: (row.wanted, row.why_not) for row in report.rows} == {
        "a": (True, ""),
        "b": (False, ""),
        "c": (False, "does not match spec.predicates[0] (labels)"),
        "d": (False, "taint upgrade:NoSelect is not tolerated"),
    }
    assert [row.cluster for row in report.rows] == ["a", "b", "c", "d"], (
        "best first, then those without a score"
    )
    assert report.rows[0].total == 100
    assert report.rows[0].scores == {"Balance": 100, "Steady": 0}
    assert report.outside == 1


def test_as_text(tmp_path: Path) -> None:
    report, _ = explained(tmp_path)
    text = text_of(tables.of_placement(report, is_draft=True))
    assert "Placement argo/p would select 1 cluster of 4 in its sets" in text
    assert "PlacementSatisfied=True AllDecisionsScheduled: All cluster decisions scheduled" in text
    assert "1 cluster of the hub in none of its sets" in text
    lines = {line.split()[0]: line for line in text.splitlines() if line.strip()}
    head = ["CLUSTER", "SELECTED", "SCORE", "Balance", "Steady", "ACTIVE", "FREE"]
    assert lines["CLUSTER"].split()[:7] == head
    assert lines["a"].split()[:6] == ["a", "yes", "100", "100", "0", "0"]
    assert "8 CPU, 16 GiB, 10 pods" in lines["a"]
    assert lines["b"].rstrip().endswith("1 cluster asked for, of a better score or name")
    assert "not known" in lines["b"]
    assert lines["d"].rstrip().endswith("taint upgrade:NoSelect is not tolerated")


def test_a_workflow_and_where_it_would_go(tmp_path: Path) -> None:
    _, report = explained(tmp_path)
    assert report.now == Place("a", "spread: the only cluster")
    assert str(report.need) == "2 CPU, 1 GiB, 1 pod"
    text = text_of(tables.of_workflow(report, is_draft=True))
    assert "Workflow argo/w-*, not created yet" in text
    assert "needs at its widest: 2 CPU, 1 GiB, 1 pod (estimated)" in text
    assert "strategy: spread; if its cluster is lost: wait" in text
    assert "placed now it would go to a (spread: the only cluster)" in text
    assert "Placement argo/p selects" in text


@pytest.mark.parametrize(
    ("old", "new", "reason", "words"),
    [
        ("ocm-placement: p", "ocm-placement: q", "PlacementNotFound", "no Placement q in namespace argo"),
        ('cpu: "2"', 'cpu: "9"', "NoRoom", "needs 9 CPU"),
        ("{zone: x}}}}]", "{zone: z}}}}]", "NoDecision", "of 4 clusters in its sets 4: does not match"),
        (
            "{workflows.argoproj.io/ocm-placement: p}",
            "{workflows.argoproj.io/ocm-placement: p, workflows.argoproj.io/ocm-strategy: any}",
            "BadSetting",
            "'any' is not one of spread",
        ),
    ],
)
def test_why_a_workflow_would_wait(tmp_path: Path, old: str, new: str, reason: str, words: str) -> None:
    assert old in FLEET
    _, report = explained(tmp_path, FLEET.replace(old, new))
    assert isinstance(report.now, Wait)
    assert report.now.reason == reason
    assert words in report.now.message
    assert f"placed now it would wait: {reason}: " in text_of(tables.of_workflow(report)).replace("\n", " ")


def test_attempts_and_reasons_of_a_workflow_that_runs(tmp_path: Path) -> None:
    said = (
        "{workflows.argoproj.io/ocm-placement: p, workflows.argoproj.io/ocm-managed-cluster: b, "
        'workflows.argoproj.io/ocm-attempts: "a,b", workflows.argoproj.io/ocm-choice: because, '
        'workflows.argoproj.io/ocm-waiting: "ClusterLost: it is", workflows.argoproj.io/ocm-failover: reschedule}'
    )
    placed = FLEET.replace(
        "{workflows.argoproj.io/ocm-placement: p}",
        f"{said}\n  finalizers: [workflows.argoproj.io/cleanup-ocm-manifestwork]",
    )
    report, workflow = explained(tmp_path, placed)
    assert next(row for row in report.rows if row.cluster == "b").active == 1
    text = text_of(tables.of_workflow(workflow))
    for words in (
        "is on cluster b",
        "because: because",
        "attempts: 1: a, 2: b",
        "waits: ClusterLost: it is",
        "if its cluster is lost: reschedule after 0:05:00",
    ):
        assert words in text


def test_of_one_that_has_ended_nothing_is_foretold(tmp_path: Path) -> None:
    label = 'multicluster: "true"'
    ended = FLEET.replace(label, f'{label}, workflows.argoproj.io/completed: "true"')
    assert explained(tmp_path, ended)[1].now is None


def test_refusals_are_counted(tmp_path: Path) -> None:
    report, _ = explained(tmp_path)
    assert refusals(report.evaluation) == (
        "of 4 clusters in its sets 1: does not match spec.predicates[0] (labels), "
        "1: taint upgrade:NoSelect is not tolerated"
    )
    path = tmp_path / "p.yaml"
    path.write_text(f"{PLACEMENT_HEAD}metadata: {{name: q}}\nspec: {{}}\n")
    live = Live({}, {}, {}, {}, {}, [], {}).with_drafts(drafts([path], "argo"))
    assert refusals(evaluate(live.placements["argo", "q"], live.snapshot(("argo", "q"), NOW))) == ""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [", "while parsing"),
        ("just text", "None None says nothing of placement"),
        (
            "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n",
            "v1 Pod says nothing of placement; known are Placement",
        ),
        (
            f"{PLACEMENT_HEAD}spec: {{}}\n",
            "document 1: metadata.name is missing",
        ),
        (
            f"{PLACEMENT_HEAD}metadata: {{name: p}}\nspec: {{numberOfClusters: many}}\n",
            "Placement p: Expected `int | null`, got `str` - at `$.spec.numberOfClusters`",
        ),
    ],
)
def test_a_file_that_can_not_be_read_is_named(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(UnreadableError) as error:
        Live({}, {}, {}, {}, {}, [], {}).with_drafts(drafts([path], "argo"))
    assert words in str(error.value)


def test_objects_of_files_get_the_namespace(tmp_path: Path) -> None:
    path = tmp_path / "fleet.yaml"
    path.write_text(FLEET)
    files = drafts([path], "team")
    assert [item.key for item in files.of(PLACEMENT)] == [("team", "p")]
