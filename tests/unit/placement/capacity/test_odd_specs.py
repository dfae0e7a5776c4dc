"""What cannot be estimated of a Workflow counts as nothing, and never raises."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.kube.quantity import amount
from placement.capacity.need import NOTHING, Need, peak
from tests.unit.odd import json_of

Json = dict[str, Any]

POD = {"name": "pod", "container": {"image": "x", "resources": {"requests": {"cpu": "1"}}}}
ONE = Need(cpu=1, pods=1)


def spec(main: Any, **more: Any) -> Json:
    return {"entrypoint": "main", "templates": [{"name": "main", **main}, POD], **more}


def container(**resources: Any) -> Json:
    return {"container": {"image": "x", "resources": resources}}


@pytest.mark.parametrize(
    ("odd", "expected"),
    [
        # as real users had it
        (spec({"dag": [{"x": 1}]}), NOTHING),
        (spec(container(requests="abc")), Need(pods=1)),
        # containers
        (spec(container(requests=["cpu"])), Need(pods=1)),
        (spec(container(requests={"cpu": {"a": 1}, "memory": [1]})), Need(pods=1)),
        (spec(container(requests="abc", limits={"cpu": "2"})), Need(2, 0, 1)),
        (spec(container(requests={"cpu": "1e400", "memory": "NaN"})), Need(pods=1)),
        (spec(container(requests={"cpu": "-4"})), Need(pods=1)),
        (spec({"container": {"resources": "abc"}}), Need(pods=1)),
        (spec({"container": "abc"}), NOTHING),
        (spec({"containerSet": "abc"}), NOTHING),
        (spec({"containerSet": {"containers": "abc"}}), NOTHING),
        (spec({**POD, "name": "main", "sidecars": "abc", "initContainers": {"a": 1}}), ONE),
        # what calls others
        (spec({"dag": "abc"}), NOTHING),
        (spec({"dag": {"tasks": "abc"}}), NOTHING),
        (spec({"dag": {"tasks": ["abc", {"name": "a", "template": "pod"}]}}), ONE),
        (spec({"dag": {"tasks": [{"name": "a", "template": "pod", "dependencies": 5}]}}), ONE),
        (spec({"dag": {"tasks": [{"name": "a", "template": "pod", "depends": {"a": 1}}]}}), ONE),
        (spec({"steps": "abc"}), NOTHING),
        (spec({"steps": ["abc", 5, [{"name": "a", "template": "pod"}]]}), ONE),
        (spec({"steps": [[{"name": "a", "template": ["pod"]}]]}), NOTHING),
        # what nobody names is called by nobody
        ({"entrypoint": "main", "templates": [{"name": "main", "steps": [[{"name": "a"}]]}, {**POD, "name": None}]},
         NOTHING),
        # loops and limits
        (spec({"steps": [[{"name": "a", "template": "pod", "withSequence": {"count": 1e300}}]]}),
         Need(1_000_000, 0, 1_000_000)),
        (spec({"steps": [[{"name": "a", "template": "pod", "withSequence": {"count": math.inf}}]]}), ONE),
        (spec({"steps": [[{"name": "a", "template": "pod", "withItems": [1, 2, 3]}]]}, parallelism=True),
         Need(3, 0, 3)),
        (spec({"steps": [[{"name": "a", "template": "pod", "withItems": [1, 2, 3]}]]}, parallelism=10**400),
         Need(3, 0, 3)),
        (spec({"steps": [[{"name": "a", "template": "pod", "withItems": [1, 2, 3]}]]}, parallelism="2"),
         Need(3, 0, 3)),
        # the whole
        ("abc", NOTHING),
        (["abc"], NOTHING),
        ({"entrypoint": ["main"], "templates": [{**POD, "name": ["main"]}]}, NOTHING),
        ({"entrypoint": 10**5000, "templates": [{**POD, "name": 10**5000}]}, NOTHING),
    ],
)  # fmt: skip
def test_what_is_malformed_counts_as_nothing(odd: Any, expected: Need) -> None:
    assert peak(odd, amount) == expected


def test_templates_nested_deeper_than_argo_runs_them_count_as_nothing() -> None:
    chain = [{"name": f"t{n}", "steps": [[{"name": "a", "template": f"t{n + 1}"}]]} for n in range(3000)]
    assert peak({"entrypoint": "t0", "templates": [*chain, {**POD, "name": "t3000"}]}, amount) == NOTHING
    inline: Json = {"container": POD["container"]}
    for _ in range(3000):
        inline = {"steps": [[{"name": "a", "inline": inline}]]}
    assert peak(spec(inline), amount) == NOTHING


def test_loops_in_loops_stay_within_numbers() -> None:
    wide = {"withSequence": {"count": 1_000_000}}
    chain = [
        {"name": f"t{n}", "steps": [[{"name": "a", "template": f"t{n + 1}", **wide}]]} for n in range(90)
    ]
    found = peak({"entrypoint": "t0", "templates": [*chain, {**POD, "name": "t90"}]}, amount)
    assert min(found.cpu, found.pods) > 10**15
    assert max(found) < math.inf
    assert str(found)


KEYS = st.sampled_from(
    [
        *("entrypoint", "onExit", "templates", "parallelism", "name", "template", "inline", "steps", "dag"),
        *("tasks", "dependencies", "depends", "withItems", "withSequence", "count", "start", "end"),
        *("container", "script", "containerSet", "containers", "sidecars", "initContainers"),
        *("resources", "requests", "limits", "cpu", "memory", "resource", "main"),
    ]
)
VALUES = json_of(KEYS)
TEMPLATES = st.fixed_dictionaries(
    {"name": st.sampled_from(["main", "pod"])},
    optional={
        "steps": st.lists(st.lists(st.dictionaries(KEYS, VALUES, max_size=4), max_size=2), max_size=2)
        | VALUES,
        "dag": st.fixed_dictionaries(
            {"tasks": st.lists(st.dictionaries(KEYS, VALUES, max_size=4), max_size=3)}
        )
        | VALUES,
        "container": st.dictionaries(st.sampled_from(["resources", "image"]), VALUES) | VALUES,
        "containerSet": VALUES,
        "sidecars": VALUES,
        "initContainers": VALUES,
        "parallelism": VALUES,
    },
)
SPECS = (
    st.fixed_dictionaries(
        {"entrypoint": st.just("main"), "templates": st.lists(TEMPLATES, max_size=3)},
        optional={"parallelism": VALUES, "onExit": VALUES},
    )
    | st.dictionaries(KEYS, VALUES, max_size=4)
    | VALUES
)


@given(SPECS)
def test_any_json_has_an_estimate(found: Any) -> None:
    need = peak(found, amount)
    assert all(0 <= value < math.inf for value in need)
    assert str(need)
