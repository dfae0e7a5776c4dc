"""Who wants an object otherwise, in words."""

from __future__ import annotations

from typing import Any

import pytest

from agent.decide.dispute import blame, message

Json = dict[str, Any]

CONTAINER = 'k:{"name":"c"}'


def config_map(*entries: Json, **data: str) -> Json:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "x", "managedFields": list(entries)},
        "data": data,
    }


def entry(manager: str, *names: str) -> Json:
    return {
        "manager": manager,
        "operation": "Update",
        "fieldsV1": {"f:data": {f"f:{name}": {} for name in names}},
    }


@pytest.mark.parametrize(
    ("live", "works", "expected"),
    [
        (None, [], "something on the cluster deletes it each time that it is made"),
        (config_map(entry("kubectl", "a"), a="2"), [], "kubectl (so its managedFields say) changes .data.a"),
        (
            config_map(entry("kubectl", "a"), entry("argocd", "b"), a="2", b="2"),
            [],
            "argocd and kubectl (so its managedFields say) changes .data.a, .data.b",
        ),
        (
            config_map(entry("work-agent", "a"), a="2"),
            ["ManifestWork other"],
            "ManifestWork other has the same object with another .data.a",
        ),
        (
            config_map(entry("work-agent", "a"), a="2"),
            ["ManifestWork one", "ManifestWork two"],
            "ManifestWork one and ManifestWork two have the same object with another .data.a",
        ),
        # The other work has nothing to do with it.
        (
            config_map(entry("kubectl", "a"), a="2"),
            ["ManifestWork other"],
            "kubectl (so its managedFields say) changes .data.a",
        ),
        (config_map(), [], "something on the cluster changes .data.a, .data.b"),
    ],
)
def test_the_one_to_blame(live: Json | None, works: list[str], expected: str) -> None:
    manifest = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "x"},
        "data": {"a": "1", "b": "1"},
    }
    if live is not None and "b" not in live["data"] and live["data"]:
        live["data"]["b"] = "1"
    assert blame(manifest, live, works) == expected


def test_a_place_in_a_list_is_named_by_its_key() -> None:
    fields: Json = {"f:spec": {"f:containers": {CONTAINER: {".": {}, "f:image": {}}}}}
    live = {
        "metadata": {"managedFields": [{"manager": "keel", "operation": "Update", "fieldsV1": fields}]},
        "spec": {"containers": [{"name": "c", "image": "theirs"}]},
    }
    manifest = {"metadata": {}, "spec": {"containers": [{"name": "c", "image": "ours"}]}}
    assert blame(manifest, live, []) == (
        "keel (so its managedFields say) changes .spec.containers[name:c].image"
    )


def test_the_message_says_what_to_do() -> None:
    assert message("ConfigMap a/b", "X does Y") == (
        "ConfigMap a/b does not stay as its manifest says: X does Y. It is still repaired, but at most once a minute; "
        "let only one of them decide"
    )
