"""What users wrote is repeated to them, but not at any length: wherever it is, one function cuts it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from agent.decide.feedback import read_feedback
from agent.decide.kubectl_path import PathError, first
from agent.decide.manifest import ManifestError, identify
from controllers.api import keys
from controllers.api.echo import echoed
from controllers.api.manifestconfig import FeedbackRule, JsonPath
from controllers.kube.errors import NotFound
from controllers.misconfigured import Misconfigured
from placement.decide import PlacementState, missing
from placement.settings import BadSettingError, read

LONG = "x" * 50_000


@pytest.mark.parametrize(
    ("text", "limit", "shown"),
    [("abc", 3, "abc"), ("abcd", 3, "ab…"), ("", 3, ""), ("äöüß", 3, "äö…"), (12345, 3, "12…")],
)
def test_what_is_longer_than_its_limit_ends_in_an_ellipsis(text: object, limit: int, shown: str) -> None:
    assert echoed(text, limit) == shown


def setting(annotation: str) -> str:
    with pytest.raises(BadSettingError) as caught:
        read({annotation: LONG}, {})
    return str(caught.value)


def path() -> str:
    with pytest.raises(PathError) as caught:
        first(LONG, {})
    return str(caught.value)


def manifest(**fields: str) -> str:
    body = {"apiVersion": "v1", "kind": "X", "name": "a"} | fields
    text = f'{{"apiVersion":"{body["apiVersion"]}","kind":"X","metadata":{{"name":"{body["name"]}"}}}}'
    with pytest.raises(ManifestError) as caught:
        identify(text.encode())
    return str(caught.value)


def feedback(rule: FeedbackRule) -> str:
    (problem,) = read_feedback({"a": 1}, [rule]).problems
    return problem


def not_decided(**state: Any) -> str:
    found = missing("n", LONG, PlacementState(**state))
    return found.message if found is not None else ""


@pytest.mark.parametrize(
    "told",
    [
        lambda: setting(keys.STRATEGY_ANNOTATION),
        lambda: setting(keys.NEED_ANNOTATION),
        lambda: setting(keys.FAILOVER_ANNOTATION),
        lambda: setting(keys.FAILOVER_AFTER_ANNOTATION),
        lambda: str(Misconfigured("spec.x", f"{LONG!r} is not right")),
        lambda: not_decided(exists=False),
        lambda: not_decided(exists=True),
        path,
        lambda: manifest(apiVersion=f"{LONG}/!"),
        lambda: manifest(name=f"{LONG}/"),
        lambda: feedback(FeedbackRule(type=LONG)),
        lambda: feedback(
            FeedbackRule(type="JSONPaths", json_paths=[JsonPath(name=LONG, path=".a", version="v2")])
        ),
        lambda: NotFound(f"namespaces {LONG} not found", status=404).message,
    ],
)
def test_no_message_repeats_a_long_value_whole(told: Callable[[], str]) -> None:
    text = told()
    assert "xxx" in text
    assert "…" in text
    assert len(text) <= 2000
