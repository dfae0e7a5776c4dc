"""Attempts: a Workflow whose cluster was lost may be sent to another one, and only the last time counts.

The hub's Workflow lists the clusters of all attempts, the present one last. Its ManifestWork, the copy and the status
result bear the attempt's number, so that whatever an earlier attempt still says is told apart. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping

from controllers.api import keys

_SEPARATOR = ","
_MAX_DIGITS = 9


def tried(annotations: Mapping[str, str]) -> list[str]:
    """The clusters that a hub Workflow was sent to, in order; [] as long as there was no second one."""
    return [name for name in annotations.get(keys.ATTEMPTS_ANNOTATION, "").split(_SEPARATOR) if name]


def attempt(annotations: Mapping[str, str]) -> int:
    """The number, from 1, of the attempt that a hub Workflow is at."""
    return max(1, len(tried(annotations)))


def attempt_of(annotations: Mapping[str, str]) -> int:
    """The number of the attempt that a ManifestWork, a copy or a status result belongs to; 1 for what is no number, or
    one that nobody has ever counted to."""
    number = annotations.get(keys.ATTEMPT_ANNOTATION, "")
    return int(number) if number.isdecimal() and len(number) <= _MAX_DIGITS else 1


def mark(number: int) -> dict[str, str]:
    """The annotation that `attempt_of` reads; none for the first attempt, which is most of them."""
    return {keys.ATTEMPT_ANNOTATION: str(number)} if number > 1 else {}


def next_attempt(annotations: Mapping[str, str], cluster: str) -> str:
    """The value of ATTEMPTS_ANNOTATION once the Workflow goes on to `cluster`."""
    before = tried(annotations) or [annotations.get(keys.CLUSTER_ANNOTATION, "")]
    return _SEPARATOR.join([*before, cluster])
