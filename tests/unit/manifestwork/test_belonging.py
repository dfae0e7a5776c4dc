"""Which ManifestWork is of which Workflow, and of which of its attempts."""

from __future__ import annotations

import msgspec
import pytest

from controllers.api import keys
from controllers.kube.object import Object
from manifestwork.belonging import belongs, is_fenced

UID = "0123456789-abcd"


def workflow(attempt: int) -> Object:
    annotations = {keys.ATTEMPTS_ANNOTATION: ",".join(["c1", "c2", "c3"][:attempt])} if attempt > 1 else {}
    metadata = {"name": "hello", "namespace": "team", "uid": UID, "annotations": annotations}
    return Object(msgspec.json.encode({"metadata": metadata}))


def work(uid: str | None, name: str, attempt: int) -> Object:
    annotations = {} if uid is None else {keys.HUB_UID_ANNOTATION: uid}
    if attempt > 1:
        annotations[keys.ATTEMPT_ANNOTATION] = str(attempt)
    metadata = {"name": name, "namespace": "c1", "uid": "u", "annotations": annotations}
    return Object(msgspec.json.encode({"metadata": metadata}))


@pytest.mark.parametrize(
    ("uid", "name", "expected"),
    [
        (UID, "hello-01234", True),
        (UID, "of-any-name", True),
        # an earlier Workflow of that name
        ("01234-another", "hello-01234", False),
        # without the annotation, as from the reference implementation, the name says it
        (None, "hello-01234", True),
        (None, "hello-56789", False),
        (None, "hello", False),
    ],
)
def test_a_work_belongs_by_uid_or_else_by_name(uid: str | None, name: str, expected: bool) -> None:
    for present in (1, 2):
        for of in (1, 2):
            assert belongs(work(uid, name, of), workflow(present)) is expected
            assert is_fenced(work(uid, name, of), workflow(present)) is (expected and of < present)


def test_every_earlier_attempt_is_fenced_and_no_later_one() -> None:
    fenced = [is_fenced(work(UID, "hello-01234", of), workflow(3)) for of in (1, 2, 3, 4)]
    assert fenced == [True, True, False, False]
