"""What runs, and how it is: the tables behind `status`."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table

from controllers.api.keys import CLUSTER_LEASE_NAME
from controllers.api.kinds import LEASE, MANAGED_CLUSTER
from hack.fleet import process, state
from hack.fleet.api import Api
from hack.fleet.errors import ApiFailed
from hack.fleet.layout import HUB, Layout
from hack.fleet.state import Process
from hack.fleet.supervisor import answers

_COLOURS = {"ready": "green", "running": "green", "not ready": "yellow", "ended": "red"}


@dataclass(frozen=True)
class PartStatus:
    """One part: `health` is ready, not ready, running (nothing to ask it by) or ended."""

    running: Process
    health: str


@dataclass(frozen=True)
class Registration:
    """One ManagedCluster as the hub sees it; `renewed` is the age of its lease in words."""

    name: str
    accepted: str
    available: str
    renewed: str


def parts(layout: Layout) -> list[PartStatus]:
    """The parts of the fleet, hub first; empty if there is no fleet."""
    known = state.load(layout.state)
    if known is None or not known.processes:
        return []
    ordered = sorted(known.processes, key=lambda p: (p.part.ours, p.part.cluster != HUB, p.part.title))
    with ThreadPoolExecutor(len(ordered)) as pool:
        return list(pool.map(lambda p: PartStatus(p, health(p)), ordered))


def health(running: Process) -> str:
    if not process.is_alive(running):
        return "ended"
    probe = running.part.ready
    if not probe.url:
        return "running"
    context = ssl.create_default_context(cafile=probe.ca) if probe.ca else None
    return "ready" if answers(probe.url, context) else "not ready"


def registrations(layout: Layout, now: datetime) -> list[Registration]:
    """The clusters registered at the hub; none if the hub does not answer (the parts' table says so)."""
    try:
        hub = Api(layout.kubeconfig(HUB))
        return [_registration(hub, body, now) for body in hub.list(MANAGED_CLUSTER)["items"]]
    except ApiFailed:
        return []


def _registration(hub: Api, body: dict[str, Any], now: datetime) -> Registration:
    name = body["metadata"]["name"]
    conditions = {c["type"]: c["status"] for c in body.get("status", {}).get("conditions") or []}
    lease = hub.get(LEASE, CLUSTER_LEASE_NAME, name)
    return Registration(
        name,
        str(bool(body.get("spec", {}).get("hubAcceptsClient"))),
        conditions.get("ManagedClusterConditionAvailable", "-"),
        age(lease["spec"].get("renewTime"), now) if lease else "no lease",
    )


def age(since: str | None, now: datetime) -> str:
    """How long ago an RFC 3339 time was, shortly: `12s`, `3m`, `5h`."""
    if not since:
        return "-"
    seconds = max(0.0, (now - datetime.fromisoformat(since)).total_seconds())
    if seconds < 120:
        return f"{seconds:.0f}s"
    return f"{seconds / 60:.0f}m" if seconds < 7200 else f"{seconds / 3600:.0f}h"


def render(layout: Layout, found: Sequence[PartStatus]) -> RenderableType:
    """Both tables."""
    # Asking an API server that is not ready would take until the request's time-out.
    hub_ready = any(p.running.part.title == f"{HUB}/apiserver" and p.health == "ready" for p in found)
    clusters = registrations(layout, datetime.now(UTC)) if hub_ready else []
    tables: list[RenderableType] = [_parts_table(found)]
    if clusters:
        tables.append(_clusters_table(clusters))
    return Group(*tables)


def _parts_table(found: Sequence[PartStatus]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("PART", "PID", "STATE", "PORT"):
        table.add_column(name, justify="right" if name in ("PID", "PORT") else "left", no_wrap=True)
    table.add_column("LOG", overflow="fold")
    for each in found:
        part = each.running.part
        colour = _COLOURS[each.health]
        state_text = f"[{colour}]{each.health}[/{colour}]"
        port = str(part.port or "-")
        table.add_row(part.title, str(each.running.pid), state_text, port, shown_path(Path(part.log)))
    return table


def _clusters_table(clusters: Sequence[Registration]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("", "MANAGED CLUSTER", "ACCEPTED", "AVAILABLE", "LEASE RENEWED"):
        table.add_column(name)
    for each in clusters:
        table.add_row("", each.name, each.accepted, each.available, each.renewed)
    return table


def shown_path(path: Path) -> str:
    """A path as short as it can be pasted from the current directory."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
