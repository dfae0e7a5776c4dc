"""The store against what an API server may send: replays, relists, restored backups."""

from __future__ import annotations

import json

import pytest

from controllers.kube.object import Object
from controllers.runtime.cache import Change, Store


def make(name: str, version: int, *, uid: str = "u", label: str = "") -> Object:
    metadata = {"name": name, "namespace": "n", "uid": uid, "resourceVersion": str(version)}
    if label:
        metadata["labels"] = {"l": label}  # type: ignore[assignment]
    return Object(json.dumps({"metadata": metadata}).encode())


def by_label(item: Object) -> list[str]:
    return list(item.metadata.labels.values())


def test_a_replayed_event_changes_nothing() -> None:
    store = Store()
    newest = make("a", 5)
    store.apply(newest)
    assert store.apply(make("a", 4)) is None
    assert store.apply(make("a", 5)) is None
    assert store.get("n", "a") is newest


def test_an_object_made_anew_under_the_same_name_replaces_the_old_one() -> None:
    store = Store()
    store.apply(make("a", 5, uid="first"))
    change = store.apply(make("a", 5, uid="second"))
    assert change is not None
    assert change.object.metadata.uid == "second"


def test_a_relist_reports_what_came_went_and_changed() -> None:
    store = Store()
    for item in (make("stays", 1), make("goes", 2), make("changes", 3)):
        store.apply(item)
    changes = store.replace([make("stays", 1), make("changes", 7), make("comes", 8)])
    assert sorted((c.old is None, c.new is None, c.object.metadata.name) for c in changes) == [
        (False, False, "changes"),
        (False, True, "goes"),
        (True, False, "comes"),
    ]
    assert sorted(item.metadata.name for item in store.all()) == ["changes", "comes", "stays"]


def test_a_list_is_the_truth_even_when_versions_went_back() -> None:
    store = Store()
    store.apply(make("a", 100, label="new"))
    store.replace([make("a", 10, label="restored")])
    found = store.get("n", "a")
    assert found is not None
    assert found.metadata.labels == {"l": "restored"}


def test_an_index_follows_changes_and_removals() -> None:
    store = Store({"label": by_label})
    store.apply(make("a", 1, label="x"))
    store.apply(make("b", 2, label="x"))
    assert store.count("label", "x") == 2
    store.apply(make("a", 3, label="y"))
    assert [item.key for item in store.by_index("label", "x")] == [("n", "b")]
    assert [item.key for item in store.by_index("label", "y")] == [("n", "a")]
    store.remove(make("b", 4))
    assert store.by_index("label", "x") == []


def test_an_index_must_be_declared_before_the_first_object() -> None:
    store = Store()
    store.add_index("label", by_label)
    store.add_index("label", by_label)
    store.apply(make("a", 1))
    with pytest.raises(ValueError, match="after the first object"):
        store.add_index("other", by_label)
    with pytest.raises(KeyError):
        store.by_index("unknown", "x")


def test_a_change_names_the_newest_state() -> None:
    old, new = make("a", 1), make("a", 2)
    assert Change(old, new).object is new
    assert Change(old, None).object is old


def test_of_a_settled_object_only_the_uid_stays() -> None:
    store = Store({"label": by_label})
    store.apply(make("a", 1, label="x"))
    change = store.settle(make("a", 2, label="x"))
    assert change is not None
    assert change.new is None
    assert store.get("n", "a") is None
    assert store.by_index("label", "x") == []
    assert store.settled_uid("n", "a") == "u"
    assert list(store.settled()) == [("n", "a")]
    assert len(store) == 0
    assert store.version == 2


def test_a_settled_object_that_needs_attention_again_comes_as_added() -> None:
    store = Store()
    store.settle(make("a", 1))
    assert store.settle(make("a", 2)) is None
    change = store.apply(make("a", 3))
    assert change is not None
    assert change.old is None
    assert store.settled_uid("n", "a") is None


def test_the_removal_of_a_settled_object_is_heard_of() -> None:
    store = Store()
    store.settle(make("a", 1))
    gone = make("a", 2)
    assert store.remove(gone) == Change(gone, None)
    assert store.remove(gone) is None


def test_a_list_replaces_what_was_settled() -> None:
    store = Store()
    store.settle(make("old", 1))
    store.apply(make("settles", 1))
    changes = store.replace([make("old", 5)], {("n", "settles"): "u"})
    assert sorted((c.old is None, c.object.metadata.name) for c in changes) == [
        (False, "settles"),
        (True, "old"),
    ]
    assert store.settled_uid("n", "settles") == "u"
    assert store.settled_uid("n", "old") is None
