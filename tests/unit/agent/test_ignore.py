"""Fields of a manifest that others on the cluster decide."""

from __future__ import annotations

from typing import Any

import pytest

from agent.decide.ignore import HASH_ANNOTATION, Ignoring, without
from agent.decide.kubectl_path import PathError
from controllers.api.manifestconfig import IgnoreField

Json = dict[str, Any]


def deployment(replicas: int = 3, image: str = "a") -> Json:
    return {
        "metadata": {"name": "d"},
        "spec": {"replicas": replicas, "template": {"containers": [{"name": "main", "image": image}]}},
    }


def ignoring(condition: str, *paths: str, manifest: Json | None = None) -> Ignoring:
    return Ignoring(manifest or deployment(), [IgnoreField(condition=condition, json_paths=list(paths))])


def live(sent: Json, **spec: Any) -> Json:
    """The object as it was applied, and as somebody has changed it since."""
    return {**sent, "spec": {**sent["spec"], **spec}}


def test_without_fields_all_is_applied() -> None:
    plain = Ignoring(deployment(), [])
    assert plain.applied(None) == deployment()
    assert plain.applied(deployment(9)) == deployment()
    assert plain.compared == deployment()


@pytest.mark.parametrize("condition", ["OnSpokePresent", "OnSpokeChange"])
def test_an_object_that_is_not_there_gets_all(condition: str) -> None:
    sent = ignoring(condition, ".spec.replicas").applied(None)
    assert sent["spec"] == deployment()["spec"]
    assert sent["metadata"]["annotations"][HASH_ANNOTATION]


@pytest.mark.parametrize("condition", ["OnSpokePresent", "OnSpokeChange"])
def test_what_others_have_set_stays(condition: str) -> None:
    rule = ignoring(condition, ".spec.replicas")
    there = live(rule.applied(None), replicas=9)
    assert "replicas" not in rule.compared["spec"]
    assert rule.applied(there)["spec"]["replicas"] == 9


def test_a_manifest_that_has_changed_wins_only_over_what_is_ignored_until_then() -> None:
    for condition, expected in (("OnSpokePresent", 9), ("OnSpokeChange", 4)):
        there = live(ignoring(condition, ".spec.replicas").applied(None), replicas=9)
        changed = ignoring(condition, ".spec.replicas", manifest=deployment(4, "b"))
        sent = changed.applied(there)
        assert sent["spec"]["replicas"] == expected
        assert sent["spec"]["template"]["containers"][0]["image"] == "b"


def test_a_change_of_a_field_that_is_always_ignored_is_no_change() -> None:
    there = ignoring("OnSpokePresent", ".spec.replicas").applied(None)
    changed = ignoring("OnSpokePresent", ".spec.replicas", manifest=deployment(4))
    assert changed.applied(there) == there


def test_a_field_that_is_gone_there_is_not_brought_back() -> None:
    rule = ignoring("OnSpokePresent", ".spec.replicas")
    there = rule.applied(None)
    del there["spec"]["replicas"]
    assert "replicas" not in rule.applied(there)["spec"]


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        ([".spec.replicas"], {"template": {"containers": [{"name": "main", "image": "a"}]}}),
        (["{.spec.template}"], {"replicas": 3}),
        ([".spec.nothing.here", ".status"], deployment()["spec"]),
        ([".spec.replicas.deeper"], deployment()["spec"]),
        (
            ['.spec.template.containers[?(@.name=="main")].image'],
            {"replicas": 3, "template": {"containers": [{"name": "main"}]}},
        ),
    ],
)
def test_without(paths: list[str], expected: Json) -> None:
    body = deployment()
    assert without(body, paths)["spec"] == expected
    assert body == deployment()


def test_a_path_that_can_not_be_read_is_named() -> None:
    with pytest.raises(PathError, match="spec"):
        without(deployment(), [".spec[.replicas"])
