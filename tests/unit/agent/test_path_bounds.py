"""Paths that would walk through an object for ever: each ends after so many steps, and says which one it was."""

from __future__ import annotations

import time
import tracemalloc
from typing import Any

import pytest

from agent.decide.feedback import read_feedback
from agent.decide.ignore import Ignoring
from agent.decide.kubectl_path import PathError, PathTooDear, every, first
from controllers.api.echo import echoed
from controllers.api.manifestconfig import FeedbackRule, IgnoreField, JsonPath


def chain(depth: int, end: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"a": end}
    for _ in range(depth):
        found = {"a": found}
    return found


def tree(depth: int, width: int) -> Any:
    return {f"k{number}": tree(depth - 1, width) for number in range(width)} if depth else "leaf"


NUMBERS = list(range(400_000))

# Path and object; each takes minutes where nothing bounds it.
ATTACKS: dict[str, tuple[str, Any]] = {
    "everything of everything of everything": ("..*..*..*..*..nothing", tree(5, 6)),
    "down a chain in all possible ways": (".." + "a.." * 8 + "nothing", chain(90, 1)),
    "a filter of literals over a long list": ("..a..a..[?(1==2)]", chain(90, NUMBERS)),
    "a filter that walks down from each item": ("..*[?(@..nothing==1)]", tree(5, 8)),
    "many names on every node": ("..[" + ",".join(["'n'"] * 400) + "]", tree(5, 8)),
    "slices of slices": ("..a..a..[0:400000][0:1]", chain(90, NUMBERS)),
    "one list again and again": (".a[" + ",".join(["*"] * 900) + "].nothing", {"a": NUMBERS}),
}


@pytest.mark.parametrize(("path", "document"), ATTACKS.values(), ids=ATTACKS)
def test_it_ends_and_is_named(path: str, document: Any) -> None:
    begin = time.process_time()
    with pytest.raises(PathTooDear, match="takes more than 100000 steps") as raised:
        first(path, document)
    assert str(raised.value).startswith(echoed(path))
    assert time.process_time() - begin < 5
    tracemalloc.start()
    try:
        with pytest.raises(PathTooDear):
            every(path, document)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 20 << 20


def test_a_large_object_can_be_walked_through() -> None:
    live = {"items": [{"name": f"n{number}", "ready": True} for number in range(10_000)]}
    assert first("..name", live) == "n0"
    assert len(every(".items[*].name", live)) == 10_000
    assert first('.items[?(@.name=="n9999")].ready', live) is True


def test_however_deep_an_object_is() -> None:
    deep: Any = {"end": 1}
    for _ in range(20_000):
        deep = [deep]
    assert first("..end", deep) == 1


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("." + "a" * 2000, "2000 characters at most"),
        (".a" * 101, "100 segments at most"),
        (".a[-]", "no index"),
    ],
)
def test_paths_that_are_too_long(path: str, words: str) -> None:
    with pytest.raises(PathError, match=words):
        first(path, {})


def test_all_paths_of_a_manifest_have_a_bound_together_and_those_before_it_are_reported() -> None:
    live = {"kind": "X", "good": "yes", "tree": tree(5, 6)}
    dear = [JsonPath(name=f"bad{number}", path="..*..*..*..nothing") for number in range(1000)]
    rules = [
        FeedbackRule(type="JSONPaths", json_paths=[JsonPath(name="good", path=".good"), dear[0]]),
        FeedbackRule(type="JSONPaths", json_paths=[JsonPath(name="too", path=".good"), *dear]),
    ]
    begin = time.process_time()
    found = read_feedback(live, rules)
    assert time.process_time() - begin < 5
    assert [value.name for value in found.values] == ["good", "too"]
    assert all("takes more than 100000 steps" in problem for problem in found.problems)


def test_writing_large_values_again_and_again_is_bounded_too() -> None:
    live = {"kind": "X", "large": ["x" * 1000] * 1000}
    rules = [
        FeedbackRule(
            type="JSONPaths",
            json_paths=[JsonPath(name=f"v{number}", path=".large") for number in range(5000)],
        )
    ]
    begin = time.process_time()
    found = read_feedback(live, rules)
    assert time.process_time() - begin < 5
    assert found.values == ()
    assert any("takes more than" in problem for problem in found.problems)


def test_fields_to_ignore_are_bounded() -> None:
    with pytest.raises(PathTooDear):
        Ignoring(
            {"spec": tree(5, 6)},
            [IgnoreField(condition="OnSpokePresent", json_paths=["..*..*..*..*..nothing.x"])],
        )
