"""What a work that is being deleted says that it waits for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from agent.decide.deleting import Remaining, deleting

NOW = datetime(2026, 11, 28, 9, 0, tzinfo=UTC)


def live(kind: str, name: str, namespace: str = "", *finalizers: str, **status: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace, "finalizers": list(finalizers)}
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata, "status": status}


def said(*objects: dict[str, Any] | Remaining) -> str:
    remaining = [item if isinstance(item, Remaining) else Remaining.of(item) for item in objects]
    return deleting(remaining, NOW, 2).message


HELD = live("ConfigMap", "withfin", "fld", "example.com/hold")
WITHFIN = "ConfigMap fld/withfin is held by finalizer example.com/hold"
GOING = live("Pod", "p", "fld")
CONTENT = {"type": "NamespaceContentRemaining", "status": "True", "message": "configmaps. has 1 instance"}
HOLDERS = {"type": "NamespaceFinalizersRemaining", "status": "True", "message": "a.b/c in 1 instance"}
EMPTY = {"type": "NamespaceFinalizersRemaining", "status": "False", "message": "all is gone"}
ADVICE = (
    ". Who has set a finalizer takes it off when it is done; "
    "if nobody is left to do that, take it off on the cluster: "
)


@pytest.mark.parametrize(
    ("objects", "expected"),
    [
        ([], ""),
        ([GOING], ": Pod fld/p is still there"),
        (
            [HELD],
            f": {WITHFIN}{ADVICE}kubectl edit configmap withfin -n fld",
        ),
        (
            [live("Node", "n", "", "a.b/c", "d.e/f")],
            f": Node n is held by finalizers a.b/c, d.e/f{ADVICE}kubectl edit node n",
        ),
        (
            [live("Namespace", "fld", conditions=[CONTENT, EMPTY])],
            ": Namespace fld is held by what is in it (configmaps. has 1 instance)",
        ),
        (
            [live("Namespace", "fld", conditions=[CONTENT, HOLDERS])],
            ": Namespace fld is held by what is in it (configmaps. has 1 instance. a.b/c in 1 instance)",
        ),
        ([live("Namespace", "fld", conditions=[EMPTY])], ": Namespace fld is still there"),
        (
            [live("Pod", "p", "fld"), Remaining("secrets", "fld", "s", refusal='secrets "s" is forbidden')],
            ': secrets fld/s cannot be removed: secrets "s" is forbidden; Pod fld/p is still there',
        ),
        ([GOING | {"kind": "Other", "status": "a word"}], ": Other fld/p is still there"),
        # Conditions of that name say nothing where it is not Kubernetes that writes them.
        ([live("Other", "o", conditions=[CONTENT])], ": Other o is still there"),
    ],
)
def test_what_holds_it_is_named_and_what_to_do(
    objects: list[dict[str, Any] | Remaining], expected: str
) -> None:
    assert said(*objects) == f"ManifestWork is being deleted{expected}"


def test_what_somebody_has_to_look_after_comes_first_and_not_all_are_named() -> None:
    many = [live("Pod", f"p{number}", "fld") for number in range(4)]
    namespace = live("Namespace", "fld", conditions=[CONTENT])
    text = said(*many, namespace, HELD)
    assert text == said(HELD, *many, namespace)
    head, _, rest = text.partition("; ")
    assert head.endswith(WITHFIN)
    assert rest.startswith("Namespace fld is held by what is in it")
    assert "Pod fld/p0 is still there; and 3 more. Who has set" in rest
    assert "p1" not in rest


def test_it_is_ocms_condition() -> None:
    found = deleting([], NOW, 7)
    assert (found.type, found.status, found.reason, found.observed_generation) == (
        "Deleting",
        "True",
        "WorkDeleting",
        7,
    )
