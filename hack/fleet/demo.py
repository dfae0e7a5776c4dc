"""The demonstration: a fleet, the examples, and the proof that the hub shows what happened on the clusters."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from controllers.api.kinds import EVENT, WORKFLOW
from hack.fleet import comparison, examples, readiness, story, up
from hack.fleet.api import Api
from hack.fleet.comparison import View
from hack.fleet.follow import Follower, show_until_finished
from hack.fleet.layout import EXAMPLES, Layout
from hack.fleet.local import LocalFleet
from hack.fleet.progress import Progress, choose
from hack.fleet.status import shown_path
from hack.fleet.story import Outcome
from hack.fleet.up import Wanted

# A status that was written on the cluster last of all may still be on its way when the hub says "finished".
_SETTLE_SECONDS = 10.0


def demo(layout: Layout, clusters: int, seconds: float, console: Console, *, keep: bool) -> bool:
    """Run it all; whether every Workflow ended on the hub as it ended on its cluster.

    A fleet that was up before is used and left up; one that was started for this is stopped unless `keep`.
    """
    keep = keep or up.is_up(layout)
    try:
        with choose(console) as progress:
            fleet = up.up(layout, Wanted(clusters), progress)
            hub = Api(fleet.hub.kubeconfig)
            workflows = _prepare(hub, fleet, progress)
        good = _run(hub, fleet, workflows, seconds, console)
        if keep:
            cluster = next(iter(fleet.managed.values()))
            text = story.commands(_shown(fleet.hub.kubeconfig), _shown(cluster.kubeconfig))
            console.print(text, highlight=False)
        return good
    finally:
        if not keep:
            with choose(console) as progress:
                up.down(layout, progress)


def _prepare(hub: Api, fleet: LocalFleet, progress: Progress) -> list[dict[str, Any]]:
    """Brings everything but the Workflows to the hub, and returns those once there is a place for them."""
    bodies = examples.load(EXAMPLES)
    workflows = [body for body in bodies if examples.is_workflow(body)]
    for body in bodies:
        if not examples.is_workflow(body):
            examples.submit(hub, body)
    readiness.wait_decided(hub, workflows, fleet.managed.keys(), progress)
    return workflows


def _run(
    hub: Api, fleet: LocalFleet, bodies: Sequence[dict[str, Any]], seconds: float, console: Console
) -> bool:
    workflows = [examples.submit(hub, body) for body in bodies]
    console.print(f"\n{len(workflows)} Workflows were created on the hub:\n", highlight=False)
    follower = Follower(hub, {body["metadata"]["uid"] for body in workflows})
    views = show_until_finished(follower, seconds, console)
    stuck = [each for each in views if not each.is_finished]
    if stuck or len(views) < len(workflows):
        _explain_stuck(hub, stuck, fleet, seconds, console)
        return False
    apis = {name: Api(cluster.kubeconfig) for name, cluster in fleet.managed.items()}
    outcomes = [_outcome(hub, apis, each) for each in views]
    console.print(story.finished(outcomes), markup=False, highlight=False)
    return not any(outcome.problems for outcome in outcomes)


def _outcome(hub: Api, clusters: Mapping[str, Api], each: View) -> Outcome:
    """Compare a finished Workflow with its copy, leaving the last write the time to arrive."""
    if each.cluster not in clusters:
        return Outcome(each, [f"it says that it ran on {each.cluster or 'no cluster'!r}"])
    deadline = time.monotonic() + _SETTLE_SECONDS
    while True:
        here = hub.get(WORKFLOW, each.name, each.namespace) or {}
        there = clusters[each.cluster].get(WORKFLOW, each.name, each.cluster_namespace)
        problems = comparison.differences(here, there)
        if not problems or time.monotonic() > deadline:
            return Outcome(each, problems)
        time.sleep(0.1)


def _explain_stuck(
    hub: Api, stuck: Sequence[View], fleet: LocalFleet, seconds: float, console: Console
) -> None:
    events = {each.uid: _events(hub, each) for each in stuck}
    logs = sorted(_shown(Path(p.part.log)) for p in fleet.supervisor.state.processes if p.part.ours)
    text = story.stuck(stuck, events, logs, _shown(fleet.hub.log_dir), seconds)
    console.print(text, markup=False, highlight=False)


def _events(hub: Api, each: View) -> list[str]:
    selector = f"involvedObject.uid={each.uid}"
    found: list[dict[str, Any]] = hub.list(EVENT, each.namespace, fieldSelector=selector)["items"]
    return [f"{event['type']} {event['reason']}: {event.get('message', '')}" for event in found]


def _shown(path: Path) -> Path:
    return Path(shown_path(path))
