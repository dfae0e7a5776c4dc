"""Why pods do not become ready, in the words of what keeps them from it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

Json = dict[str, Any]


def complaints(pods: Iterable[Json]) -> list[str]:
    """`<pod>: <why>` for each that is not ready. `pods` as the API server lists them."""
    return [f"{pod['metadata']['name']}: {_why(pod)}" for pod in pods if not _is_ready(pod)]


def _is_ready(pod: Json) -> bool:
    return any(item["type"] == "Ready" and item["status"] == "True" for item in _conditions(pod))


def _why(pod: Json) -> str:
    return next(_reasons(pod), "is not ready yet, and does not say why")


def _reasons(pod: Json) -> Iterator[str]:
    status = pod.get("status", {})
    for item in _conditions(pod):
        if item["type"] == "PodScheduled" and item["status"] == "False":
            yield _said(item)
    for container in status.get("containerStatuses", ()):
        state, last = container.get("state", {}), container.get("lastState", {})
        if (ended := last.get("terminated") or state.get("terminated")) is not None:
            reason = ended.get("reason", "no reason")
            yield f"has ended with status {ended.get('exitCode')} ({reason}): its log says why"
        if (waiting := state.get("waiting")) is not None and waiting.get("reason") != "ContainerCreating":
            yield _said(waiting)
        if "running" in state:
            yield "runs, but is not ready: its log says what it waits for"


def _said(of: Json) -> str:
    return ", ".join(filter(None, (of.get("reason", ""), of.get("message", ""))))


def _conditions(pod: Json) -> list[Json]:
    return list(pod.get("status", {}).get("conditions") or [])
