"""How much a Workflow needs at its widest, on the shapes of Argo's examples."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.kube.quantity import amount
from placement.capacity.need import NOTHING, Need, peak

Json = dict[str, Any]
GI = 2**30


def pod(name: str = "pod", cpu: str | None = "1", memory: str | None = "1Gi", **more: Any) -> Json:
    requests = {key: value for key, value in (("cpu", cpu), ("memory", memory)) if value is not None}
    return {"name": name, "container": {"image": "x", "resources": {"requests": requests}}, **more}


def spec(*templates: Json, entrypoint: str = "main", **more: Any) -> Json:
    return {"entrypoint": entrypoint, "templates": list(templates), **more}


def steps(*groups: list[Json], name: str = "main", **more: Any) -> Json:
    return {"name": name, "steps": list(groups), **more}


def dag(*tasks: Json, name: str = "main", **more: Any) -> Json:
    return {"name": name, "dag": {"tasks": list(tasks)}, **more}


def call(template: str = "pod", name: str = "a", **more: Any) -> Json:
    return {"name": name, "template": template, **more}


def pods(workflow: Json) -> float:
    found = peak(workflow, amount)
    assert found.cpu == found.pods, "each pod asks for one core here"
    return found.pods


# -- pods ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("template", "expected"),
    [
        (pod("main"), Need(1, GI, 1)),
        (pod("main", "250m", None), Need(0.25, 0, 1)),
        ({"name": "main", "container": {"image": "x"}}, Need(0, 0, 1)),
        ({"name": "main", "script": {"image": "x", "resources": {"requests": {"cpu": 2}}}}, Need(2, 0, 1)),
        # a limit without a request is one
        (
            {"name": "main", "container": {"resources": {"limits": {"cpu": "3", "memory": "2Gi"}}}},
            Need(3, 2 * GI, 1),
        ),
        (
            {"name": "main", "container": {"resources": {"limits": {"cpu": "3"}, "requests": {"cpu": "1"}}}},
            Need(1, 0, 1),
        ),
        # sidecars run beside, init containers before
        (pod("main", sidecars=[pod()["container"]]), Need(2, 2 * GI, 1)),
        (pod("main", initContainers=[pod(cpu="5", memory="1Mi")["container"]]), Need(5, GI, 1)),
        (
            {"name": "main", "containerSet": {"containers": [pod()["container"], pod(cpu="2")["container"]]}},
            Need(3, 2 * GI, 1),
        ),
        # kinds that run in a pod of Argo's, or in none
        ({"name": "main", "resource": {"action": "create"}}, Need(0, 0, 1)),
        ({"name": "main", "suspend": {}}, NOTHING),
        ({"name": "main", "http": {"url": "x"}}, NOTHING),
        # what is known only later, or nonsense, counts as nothing
        (pod("main", "{{inputs.parameters.cpu}}", "1Gi"), Need(0, GI, 1)),
    ],
)
def test_one_template(template: Json, expected: Need) -> None:
    assert peak(spec(template), amount) == expected


# -- shapes ----------------------------------------------------------------------------------------------
DIAMOND = dag(
    call(name="A"),
    call(name="B", dependencies=["A"]),
    call(name="C", dependencies=["A"]),
    call(name="D", dependencies=["B", "C"]),
)
BY_EXPRESSION = dag(
    call(name="A"),
    call(name="B", depends="A"),
    call(name="C", depends="A.Succeeded && !A.Skipped"),
    call(name="D", depends="(B.Succeeded || C.Failed)"),
)


@pytest.mark.parametrize(
    ("main", "expected"),
    [
        (steps([call()], [call()]), 1),
        (steps([call()], [call(name="a"), call(name="b")], [call()]), 2),
        (steps([]), 0),
        (DIAMOND, 2),
        (BY_EXPRESSION, 2),
        (dag(call(name="A"), call(name="B"), call(name="C")), 3),
        (dag(call(name="A", dependencies=["B"]), call(name="B", dependencies=["A"])), 0),
        (dag(call(name="A", dependencies=["nobody"])), 1),
        # loops
        (steps([call(withItems=["a", "b", "c"])]), 3),
        (steps([call(withItems=[]), call(name="b")]), 1),
        (steps([call(withSequence={"count": "5"})]), 5),
        (steps([call(withSequence={"count": 4})]), 4),
        (steps([call(withSequence={"start": "100", "end": "200"})]), 101),
        (steps([call(withSequence={"start": "5", "end": "3"})]), 3),
        (steps([call(withSequence={"count": "{{inputs.parameters.n}}"})]), 1),
        (steps([call(withParam="{{steps.gen.outputs.result}}")]), 1),
        # limits
        (steps([call(withItems=list("abcdef"))], parallelism=2), 2),
        # unknown ones, and suspended ones
        (steps([call("nobody"), {"name": "b", "templateRef": {"name": "x", "template": "y"}}]), 0),
    ],
)
def test_widest_level(main: Json, expected: int) -> None:
    assert pods(spec(main, pod())) == expected


def test_templates_inside_templates() -> None:
    inner = steps([call(withItems=[1, 2, 3])], name="inner")
    assert pods(spec(steps([call("inner", "a"), call("inner", "b")], [call()]), inner, pod())) == 6
    limited = {**inner, "parallelism": 2}
    assert pods(spec(steps([call("inner", "a"), call("inner", "b")]), limited, pod())) == 4


def test_inline_templates() -> None:
    main = dag({"name": "A", "inline": pod()}, {"name": "B", "inline": pod(), "withItems": [1, 2]})
    assert pods(spec(main)) == 3


def test_parallelism_of_the_workflow_counts_the_largest_pods() -> None:
    main = steps([call("small", "a", withItems=list("abcdefgh")), call("large", "b")])
    found = peak(spec(main, pod("small"), pod("large", "4"), parallelism=2), amount)
    assert found == Need(8, 2 * GI, 2)


def test_on_exit_runs_afterwards() -> None:
    main, last = steps([call(name="a"), call(name="b")]), steps([call(withItems=[1, 2, 3])], name="last")
    assert pods(spec(main, last, pod(), onExit="last")) == 3


def test_a_template_that_calls_itself_counts_once() -> None:
    flip = steps([call(name="flip")], [call("main", "again")])
    assert pods(spec(flip, pod())) == 1


def test_templates_that_call_the_next_one_twice_are_estimated_once_each() -> None:
    """Else 2**40 of them."""
    levels = [steps([call(f"t{n + 1}", "a"), call(f"t{n + 1}", "b")], name=f"t{n}") for n in range(40)]
    assert pods(spec(*levels, pod("t40"), entrypoint="t0")) == 2**40


def test_peaks_of_cpu_and_memory_may_be_in_different_levels() -> None:
    main = steps([call("cpu", "a")], [call("memory", "b")])
    found = peak(spec(main, pod("cpu", "8", "1Gi"), pod("memory", "1", "16Gi")), amount)
    assert found == Need(8, 16 * GI, 1)


@pytest.mark.parametrize("odd", [{}, {"templates": None}, {"entrypoint": "x"}, {"templates": ["text", 3]}])
def test_what_is_no_workflow_needs_nothing(odd: Json) -> None:
    assert peak(odd, amount) == NOTHING


def test_a_chain_of_ten_thousand_tasks_is_no_trouble() -> None:
    tasks = [
        call(name=str(number), dependencies=[str(number - 1)] if number else []) for number in range(10_000)
    ]
    assert pods(spec(dag(*tasks), pod())) == 1


@given(st.lists(st.lists(st.integers(0, 4), max_size=4), max_size=5), st.integers(1, 6))
def test_never_wider_than_parallelism_and_never_narrower_than_one_group(
    groups: list[list[int]], limit: int
) -> None:
    made = [
        [call(name=f"s{number}", withItems=list(range(count))) for number, count in enumerate(group)]
        for group in groups
    ]
    widest = max((sum(group) for group in groups), default=0)
    assert pods(spec(steps(*made), pod())) == widest
    assert pods(spec(steps(*made), pod(), parallelism=limit)) == min(widest, limit)
