"""The values of a live object that go back into the work's status.

Owns feedbackRules: JSONPaths and the well-known values of Deployment, DaemonSet, Job and Pod, with the
semantics of OCM's agent (`pkg/work/spoke/statusfeedback` of open-cluster-management.io/ocm v1.2.0). Lists,
objects and fractions are reported as JsonRaw, which OCM's agent does only behind its feature gate
RawFeedbackJsonString.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from agent.decide.kubectl_path import MISSING, PathError, first
from agent.decide.path_walk import MOST, Steps
from controllers.api.echo import echoed
from controllers.api.manifestconfig import FeedbackRule, JsonPath
from controllers.api.work import MAX_JSON_RAW, FeedbackValue, FieldValue

# Steps that all paths of one manifest may take together, and bytes of JSON that cost one.
_STEPS: Final = 3 * MOST
_BYTES_PER_STEP: Final = 50

_INT64 = range(-(2**63), 2**63)


def _paths(**path_by_name: str) -> tuple[JsonPath, ...]:
    return tuple(JsonPath(name=name, path=path) for name, path in path_by_name.items())


_WELL_KNOWN = {
    ("apps/v1", "Deployment"): _paths(
        ReadyReplicas=".status.readyReplicas",
        Replicas=".status.replicas",
        AvailableReplicas=".status.availableReplicas",
    ),
    ("apps/v1", "DaemonSet"): _paths(
        NumberReady=".status.numberReady",
        DesiredNumberScheduled=".status.desiredNumberScheduled",
        NumberAvailable=".status.numberAvailable",
    ),
    ("batch/v1", "Job"): _paths(
        JobComplete='.status.conditions[?(@.type=="Complete")].status',
        JobSucceeded=".status.succeeded",
    ),
    ("v1", "Pod"): _paths(
        PodReady='.status.conditions[?(@.type=="Ready")].status',
        PodPhase=".status.phase",
    ),
}


class Feedback(NamedTuple):
    """The values found, one per name, and what went wrong with the others."""

    values: tuple[FeedbackValue, ...] = ()
    problems: tuple[str, ...] = ()


class _Unreportable(ValueError):
    """A rule or a value that can't be reported; the message says why."""


def read_feedback(live: dict[str, Any], rules: Sequence[FeedbackRule]) -> Feedback:
    """What the rules report of the object. A path that leads nowhere, or to null, reports nothing.

    A value that can't be reported becomes a problem and leaves the others alone. Never raises.
    """
    values: dict[str, FeedbackValue] = {}
    problems: list[str] = []
    left = _STEPS
    for path in _all_paths(live, rules, problems):
        allowed = min(left, MOST)
        steps = Steps(allowed)
        try:
            value = _value(path, live, steps)
        except (PathError, _Unreportable) as error:
            problems.append(str(error))
            continue
        finally:
            left -= allowed - max(steps.left, 0)
        if value is not None and values.setdefault(path.name, value) is not value:
            problems.append(f"the name {echoed(path.name)} is used for more than one value")
    return Feedback(tuple(values.values()), tuple(dict.fromkeys(problems)))


def _all_paths(
    live: dict[str, Any], rules: Sequence[FeedbackRule], problems: list[str]
) -> Iterator[JsonPath]:
    api_version, kind = str(live.get("apiVersion", "")), str(live.get("kind", ""))
    for rule in rules:
        if rule.type == "JSONPaths":
            yield from rule.json_paths
        elif rule.type == "WellKnownStatus" and (api_version, kind) in _WELL_KNOWN:
            yield from _WELL_KNOWN[api_version, kind]
        elif rule.type == "WellKnownStatus":
            problems.append(f"no well-known status values for {api_version}, Kind={kind}")
        else:
            problems.append(f"unrecognized feedback rule type {echoed(rule.type)}")


def _value(path: JsonPath, live: dict[str, Any], steps: Steps) -> FeedbackValue | None:
    version = str(live.get("apiVersion", "")).rpartition("/")[2]
    if path.version and path.version != version:
        raise _Unreportable(
            f"{echoed(path.name)} is for version {echoed(path.version)}, the object has {version}"
        )
    found = first(path.path, live, steps)
    if found is MISSING or found is None:
        return None
    return FeedbackValue(name=path.name, value=_field_value(path.name, found, steps))


def _field_value(name: str, found: Any, steps: Steps) -> FieldValue:
    match found:
        case bool():
            return FieldValue(type="Boolean", boolean=found)
        case int() if found in _INT64:
            return FieldValue(type="Integer", integer=found)
        case str():
            return FieldValue(type="String", string=found)
    try:
        raw = msgspec.json.encode(found, order="deterministic")
    except (UnicodeEncodeError, RecursionError) as error:
        raise _Unreportable(f"{echoed(name)} can't be written as JSON: {error}") from error
    steps.left -= len(raw) // _BYTES_PER_STEP
    if len(raw) > MAX_JSON_RAW:
        raise _Unreportable(f"the JSON of {echoed(name)} takes {len(raw)} bytes, more than {MAX_JSON_RAW}")
    return FieldValue(type="JsonRaw", json_raw=raw.decode())
