"""What cannot be read or handled is set aside: counted, said once, healed; for who fails it is gone."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from controllers.kube.object import Object, Unreadable
from controllers.runtime.aside import Guarded, SetAside
from controllers.runtime.cache import Change, Store


def make(name: str, version: int = 1, **spec: Any) -> Object:
    metadata = {"name": name, "namespace": "n", "uid": f"u-{name}", "resourceVersion": str(version)}
    return Object(json.dumps({"metadata": metadata, "spec": spec}).encode())


def counted(kind: str) -> float:
    return REGISTRY.get_sample_value("argosy_objects_set_aside", {"kind": kind}) or 0.0


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


# -- the registry ----------------------------------------------------------------------------------------
def said(logs: list[Any]) -> list[tuple[str, str]]:
    return [(line["name"], line["why"]) for line in logs if line["event"] == "object_set_aside"]


def test_an_object_counts_once_however_many_cannot_read_it_and_until_all_can() -> None:
    aside, item = SetAside(), make("a")
    with capture_logs() as logs:
        for who in ("informer", "controller"):
            aside.put(who, "Once", item, Unreadable(item, "odd"))
        assert counted("Once") == 1
        aside.clear("informer")
        assert counted("Once") == 1
        aside.clear("controller")
        aside.clear("controller")
    assert counted("Once") == 0
    assert said(logs) == [("a", "odd")]
    assert logs[-1]["event"] == "object_heeded_again"


def test_each_object_counts_and_each_reason_is_said() -> None:
    aside = SetAside()
    with capture_logs() as logs:
        for name, why in (("a", "odd"), ("b", "odd"), ("a", "odder"), ("a", "odd")):
            item = make(name)
            aside.put(name, "Each", item, Unreadable(item, why))
    assert counted("Each") == 2
    assert said(logs) == [("a", "odd"), ("b", "odd"), ("a", "odder")]


def test_who_breaks_and_heals_an_object_every_second_does_not_fill_the_log() -> None:
    clock = Clock()
    aside, item = SetAside(clock=clock), make("a")
    with capture_logs() as logs:
        for _ in range(1200):
            aside.put("x", "Flaps", item, Unreadable(item, "odd"))
            aside.clear("x")
            clock.now += 1
    assert len(said(logs)) == 2


def test_what_is_no_matter_of_reading_is_said_with_its_place() -> None:
    item = make("a")
    with capture_logs() as logs:
        SetAside().put("x", "Placed", item, ValueError("x" * 5000))
    assert len(logs[0]["why"]) == 200
    assert isinstance(logs[0]["exc_info"], ValueError)


# -- a handler that cannot take everything ----------------------------------------------------------------
class Picky:
    """Keeps what it is given, as handlers do, and cannot take an object whose spec is `bad`."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}
        self.told: list[tuple[str, str]] = []

    def __call__(self, change: Change) -> None:
        old, new = change
        name = change.object.metadata.name
        assert (old is not None) == (name in self.kept), "a change fits those before it"
        if new is None:
            self.told.append(("gone", name))
            del self.kept[name]
            return
        spec = new.to_dict()["spec"]
        if spec.get("bad"):
            raise ValueError(name)
        self.told.append(("came" if old is None else "changed", name))
        self.kept[name] = new.metadata.resource_version


def test_an_object_that_goes_bad_and_good_goes_and_comes() -> None:
    handler = Picky()
    guarded, store = Guarded(handler), Store()
    states = [{}, {"bad": 1}, {"bad": 2}, {}, {}]
    errors = [
        guarded(change)
        for number, spec in enumerate(states)
        if (change := store.apply(make("a", number + 1, **spec)))
    ]
    assert handler.told == [("came", "a"), ("gone", "a"), ("came", "a"), ("changed", "a")]
    assert [str(error) if error else "" for error in errors] == ["", "a", "a", "", ""]


def test_one_that_was_never_good_goes_unseen() -> None:
    handler = Picky()
    guarded = Guarded(handler)
    assert guarded(Change(None, make("a", bad=1))) is not None
    assert guarded(Change(make("a", 2), None)) is None
    assert guarded(Change(None, make("a", 3))) is None
    assert handler.told == [("came", "a")]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["good", "bad", "gone"])), max_size=30))
def test_a_handler_has_what_is_there_and_good(steps: list[tuple[str, str]]) -> None:
    handler = Picky()
    guarded, store, states = Guarded(handler), Store(), dict[str, str]()
    for version, (name, state) in enumerate(steps, start=1):
        item = make(name, version, **({"bad": 1} if state == "bad" else {}))
        change = store.remove(item) if state == "gone" else store.apply(item)
        if change is not None:
            assert (guarded(change) is None) == (state != "bad")
        states[name] = state
    assert handler.kept.keys() == {name for name, state in states.items() if state == "good"}


# -- indexes -----------------------------------------------------------------------------------------------
def by_spec(item: Object) -> list[str]:
    return [item.to_dict()["spec"]["key"]]


def by_name(item: Object) -> list[str]:
    return [item.metadata.name]


def test_an_index_that_fails_for_an_object_leaves_it_out_and_the_others_in() -> None:
    failed: list[str] = []
    store = Store({"spec": by_spec, "name": by_name}, lambda item, _: failed.append(item.metadata.name))
    for item in (make("a", 1, key="x"), make("b", 2), make("c", 3, key="x")):
        store.apply(item)
    assert [item.metadata.name for item in store.by_index("spec", "x")] == ["a", "c"]
    assert store.count("name", "b") == 1
    assert failed == ["b"]
    store.apply(make("b", 4, key="x"))
    assert store.count("spec", "x") == 3


def test_a_store_of_its_own_raises() -> None:
    with pytest.raises(KeyError):
        Store({"spec": by_spec}).apply(make("a"))
