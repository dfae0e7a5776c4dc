"""The demo's outcome in words. Pure: from what was observed to text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hack.fleet.comparison import View


@dataclass(frozen=True)
class Outcome:
    """How one Workflow ended; `problems` is empty if the hub shows what the cluster did."""

    view: View
    problems: list[str] = field(default_factory=list)


def finished(outcomes: Sequence[Outcome]) -> str:
    """What happened to each Workflow, and the sum of it."""
    lines = ["", "What happened:"]
    for outcome in outcomes:
        lines.append(f"- {_told(outcome.view)}; {_verdict(outcome)}.")
        lines += [f"    {problem}" for problem in outcome.problems]
    wrong = sum(1 for outcome in outcomes if outcome.problems)
    total = len(outcomes)
    lines.append("")
    if wrong:
        lines.append(f"{wrong} of {total} Workflows did not end on the hub as on their cluster.")
    else:
        lines.append(f"All {total} Workflows ended on the hub exactly as on their clusters.")
    return "\n".join(lines)


def _told(view: View) -> str:
    seconds = view.age(view.created)
    text = f"{view.name} was sent to {view.cluster}, ran there and ended {view.phase} after {seconds:.0f} s"
    return f"{text} ({view.message})" if view.message else text


def _verdict(outcome: Outcome) -> str:
    if outcome.problems:
        return "the hub does NOT show what the cluster shows"
    nodes = outcome.view.nodes
    return f"the hub shows the same status, with {nodes} node{'' if nodes == 1 else 's'}"


def stuck(
    views: Sequence[View],
    events: Mapping[str, Sequence[str]],
    logs: Sequence[Path],
    folder: Path,
    seconds: float,
) -> str:
    """Which Workflows did not finish, what their Events (by Workflow uid) say about it, and where to read on."""
    lines = ["", f"Not finished after {seconds:.0f} s:"]
    for view in views:
        where = f"on {view.cluster}" if view.cluster else "not placed"
        lines.append(
            f"- {view.name}: {view.phase or 'no phase'}, {where}. {view.waiting or view.message}".rstrip()
        )
        lines += [f"    {said}" for said in events.get(view.uid, ())] or ["    no Events"]
    lines += ["Logs to read first:", *(f"  {log}" for log in logs), f"All logs: {folder}"]
    return "\n".join(lines)


def commands(hub: Path, cluster: Path) -> str:
    """What to try on a fleet that was left up, given the kubeconfigs of its hub and of one cluster."""
    return "\n".join(
        [
            "",
            "The fleet is still up. To try next:",
            f"  kubectl --kubeconfig {hub} get workflows",
            f"  kubectl --kubeconfig {hub} describe workflow hello-world",
            f"  kubectl --kubeconfig {hub} create -f examples/hello-world-generate-name.yaml",
            f"  kubectl --kubeconfig {cluster} get workflows,pods",
            f"  KUBECONFIG={hub} argo get hello-world",
            "  make status",
            "  make down",
        ]
    )
