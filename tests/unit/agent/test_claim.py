"""What was about to be applied, as it stands on the AppliedManifestWork."""

from __future__ import annotations

import msgspec
import pytest

from agent.work.claim import INTENDED, intended
from controllers.api.work import AppliedResource
from controllers.kube.object import Object


def trace(**annotations: str) -> Object:
    return Object(msgspec.json.encode({"metadata": {"name": "t", "annotations": annotations}}))


def test_what_was_noted_is_read() -> None:
    text = '[{"resource":"configmaps","name":"c","namespace":"n","version":"v1"}]'
    expected = AppliedResource(resource="configmaps", name="c", namespace="n", version="v1")
    assert intended(trace(**{INTENDED: text})) == [expected]


@pytest.mark.parametrize("text", ["", "[", "{}", '["c"]', "7"])
def test_what_somebody_else_has_put_there_is_nothing(text: str) -> None:
    assert intended(trace(**{INTENDED: text})) == []
    assert intended(trace()) == []
