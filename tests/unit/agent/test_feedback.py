"""Feedback rules: paths, value types, what is missing, what fails."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.decide.feedback import read_feedback
from agent.decide.kubectl_path import MISSING, PathError, first, parsed
from controllers.api.manifestconfig import FeedbackRule, JsonPath
from controllers.api.work import FeedbackValue, FieldValue

LIVE: dict[str, Any] = {
    "apiVersion": "argoproj.io/v1alpha1",
    "kind": "Workflow",
    "metadata": {"name": "w", "labels": {"a.b/c": "dotted", "it's": "quoted"}},
    "status": {
        "phase": "Running",
        "progress": "1/2",
        "my-field": 3,
        "count": 7,
        "big": 2**63,
        "fraction": 1.5,
        "done": False,
        "nothing": None,
        "empty": "",
        "conditions": [
            {"type": "PodRunning", "status": "True", "n": 1},
            {"type": "Completed", "status": "False"},
        ],
        "nodes": {"b": {"phase": "x", "id": 1}, "a": {"phase": "y"}},
        "long": ["x" * 1100],
        "numbered": [{"n": 1, "name": "one"}, {"n": 2, "name": "two"}, {"n": 3, "name": "three"}],
        "most": 2**63 - 1,
        "least": -(2**63),
        "broken": ["\ud800"],
        "as-long-as-may-be": ["x" * 1020],
        "below": -(2**63) - 1,
    },
}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (".status.phase", "Running"),
        ("{.status.phase}", "Running"),
        (" { .status.phase } ", "Running"),
        ("$.status.phase", "Running"),
        ("@.status.phase", "Running"),
        (".status['phase']", "Running"),
        ("['status']['phase']", "Running"),
        ("['status.phase']", "Running"),
        (".status.my-field", 3),
        (r".metadata.labels.a\.b/c", "dotted"),
        (r".metadata.labels['a\.b/c']", "dotted"),
        (".metadata.labels['a.b/c']", MISSING),
        (".metadata.labels.it's", "quoted"),
        ('.status.conditions[?(@.type=="Completed")].status', "False"),
        (".status.conditions[?(@.type=='Completed')].status", "False"),
        ('.status.conditions[?(@.type == "a)b")].status', MISSING),
        (".status.conditions[?(@.n>0)].type", "PodRunning"),
        (".status.conditions[?(@.n)].type", "PodRunning"),
        *(
            (f".status.numbered[?(@.n{operator}2)].name", name)
            for operator, name in (
                ("==", "two"),
                ("!=", "one"),
                ("<", "one"),
                ("<=", "one"),
                (">", "three"),
                (">=", "two"),
            )
        ),
        (".status.numbered[?(@.n<=1)].name", "one"),
        (".status.numbered[?(@.n>=3)].name", "three"),
        (".status.conditions[0].type", "PodRunning"),
        (".status.conditions[-1].type", "Completed"),
        (".status.conditions[9].type", MISSING),
        (".status.conditions[*].type", "PodRunning"),
        (".status.conditions[1:2].type", "Completed"),
        (".status.conditions[1,0].type", "Completed"),
        (".status['progress','phase']", "1/2"),
        (".status.nodes.*.phase", "x"),
        ("..id", 1),
        ("..['id']", 1),
        ("..[1].status", "False"),
        (".status.phase.deeper", MISSING),
        (".status.phase[0]", MISSING),
        (".spec.nothing.there", MISSING),
        (".status.nothing", None),
    ],
)
def test_paths(path: str, expected: Any) -> None:
    assert first(path, LIVE) == expected


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("", "starts with a dot"),
        ("status.phase", "starts with a dot"),
        (".", "a name is missing at 1"),
        (".a..", "a name is missing at 4"),
        (".status.[0]", "a name is missing at 8"),
        (".status[", "unterminated bracket"),
        (".status[x]", "no index, slice or quoted name"),
        (".status[]", "no index, slice or quoted name"),
        (".status['a.b','c']", "can't stand among several names"),
        (".a[?(@.b==1]", "unterminated filter"),
        (".a[?(@.b=1)]", "'=' is no comparison"),
        (".a[?(@.b==c)]", "neither a path nor a literal"),
        (".a[?(b==1)]", "neither a path nor a literal"),
        ("{.a}{.b}", "unexpected '}'"),
        ("{range .items[*]}{.x}{end}", "starts with a dot"),
        ('{"text"}', "starts with a dot"),
        ("{.status.phase", "starts with a dot"),
        (".status.phase}", "unexpected '}' at 13"),
    ],
)
def test_unreadable_paths(path: str, message: str) -> None:
    with pytest.raises(PathError, match=message):
        parsed(path)


def paths(**path_by_name: str) -> FeedbackRule:
    return FeedbackRule(
        type="JSONPaths", json_paths=[JsonPath(name=name, path=path) for name, path in path_by_name.items()]
    )


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (".status.phase", FieldValue(type="String", string="Running")),
        (".status.empty", FieldValue(type="String", string="")),
        (".status.count", FieldValue(type="Integer", integer=7)),
        (".status.done", FieldValue(type="Boolean", boolean=False)),
        (".status.fraction", FieldValue(type="JsonRaw", json_raw="1.5")),
        (".status.most", FieldValue(type="Integer", integer=2**63 - 1)),
        (".status.big", FieldValue(type="JsonRaw", json_raw="9223372036854775808")),
        (".status.least", FieldValue(type="Integer", integer=-(2**63))),
        (".status.below", FieldValue(type="JsonRaw", json_raw="-9223372036854775809")),
        (
            ".status.conditions[1]",
            FieldValue(type="JsonRaw", json_raw='{"status":"False","type":"Completed"}'),
        ),
    ],
)
def test_value_types(path: str, expected: FieldValue) -> None:
    feedback = read_feedback(LIVE, [paths(v=path)])
    assert feedback.values == (FeedbackValue(name="v", value=expected),)
    assert feedback.problems == ()


@pytest.mark.parametrize("path", [".status.absent", ".status.nothing", ".spec.a.b"])
def test_what_is_missing_or_null_is_no_problem(path: str) -> None:
    assert read_feedback(LIVE, [paths(v=path)]) == ((), ())


def test_json_of_the_greatest_length_is_reported() -> None:
    (value,) = read_feedback(LIVE, [paths(v=".status.as-long-as-may-be")]).values
    assert len(value.value.json_raw or "") == 1024


def test_text_that_is_no_text_is_a_problem() -> None:
    values, (problem,) = read_feedback(LIVE, [paths(v=".status.broken")])
    assert values == ()
    assert problem.startswith("v can't be written as JSON: 'utf-8' codec can't encode")


def test_problems_leave_the_other_values() -> None:
    rules = [
        paths(phase=".status.phase", bad="status.phase", long=".status.long"),
        FeedbackRule(type="JSONPaths", json_paths=[JsonPath(name="v2", path=".status.phase", version="v2")]),
        paths(phase=".status.progress", count=".status.count"),
        FeedbackRule(type="WellKnownStatus"),
        FeedbackRule(type="Telepathy"),
    ]
    feedback = read_feedback(LIVE, rules)
    assert [value.name for value in feedback.values] == ["phase", "count"]
    assert feedback.values[0].value.string == "Running"
    assert feedback.problems == (
        "status.phase: a path starts with a dot, a bracket or $",
        "the JSON of long takes 1104 bytes, more than 1024",
        "v2 is for version v2, the object has v1alpha1",
        "the name phase is used for more than one value",
        "no well-known status values for argoproj.io/v1alpha1, Kind=Workflow",
        "unrecognized feedback rule type Telepathy",
    )


@pytest.mark.parametrize(
    ("api_version", "kind", "status", "expected"),
    [
        (
            "apps/v1",
            "Deployment",
            {"readyReplicas": 1, "replicas": 2, "availableReplicas": 1},
            {"ReadyReplicas": 1, "Replicas": 2, "AvailableReplicas": 1},
        ),
        (
            "apps/v1",
            "DaemonSet",
            {"numberReady": 1, "desiredNumberScheduled": 2},
            {"NumberReady": 1, "DesiredNumberScheduled": 2},
        ),
        (
            "batch/v1",
            "Job",
            {"succeeded": 1, "conditions": [{"type": "X"}, {"type": "Complete", "status": "True"}]},
            {"JobComplete": "True", "JobSucceeded": 1},
        ),
        (
            "v1",
            "Pod",
            {"phase": "Running", "conditions": [{"type": "Ready", "status": "False"}]},
            {"PodReady": "False", "PodPhase": "Running"},
        ),
    ],
)
def test_well_known_status(
    api_version: str, kind: str, status: dict[str, Any], expected: dict[str, Any]
) -> None:
    live = {"apiVersion": api_version, "kind": kind, "status": status}
    feedback = read_feedback(live, [FeedbackRule(type="WellKnownStatus")])
    found = {value.name: value.value.string or value.value.integer for value in feedback.values}
    assert found == expected
    assert feedback.problems == ()


_KEYS = st.sampled_from(["status", "phase", "conditions", "type", "apiVersion", "kind", "x y", "it's", ""])
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=4),
    max_leaves=20,
)
_PATHS = st.sampled_from(
    [
        ".status.phase",
        ".status.conditions[?(@.type>1)].status",
        ".status.conditions[?(@.type=='x')].status",
        ".status[0][-1:][0,1].*",
        "..phase",
        "$",
        ".['it']",
        "['x y']",
    ]
) | st.text(alphabet=".[]()?@$'\"{}\\*:,x0- =<", max_size=12)


@given(st.dictionaries(_KEYS, _JSON, max_size=5), st.lists(_PATHS, max_size=4))
def test_feedback_never_raises(live: dict[str, Any], some: list[str]) -> None:
    rules = [
        FeedbackRule(
            type="JSONPaths", json_paths=[JsonPath(name=str(n), path=p) for n, p in enumerate(some)]
        ),
        FeedbackRule(type="WellKnownStatus"),
    ]
    feedback = read_feedback(live, rules)
    names = [value.name for value in feedback.values]
    assert len(names) == len(set(names))
