"""`python -m placement explain`: why a Placement has which clusters, and a Workflow which of them."""

from __future__ import annotations

import argparse
import functools
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path

import uvloop
from rich.console import Console

from controllers.api import keys
from controllers.api.kinds import PLACEMENT, WORKFLOW
from controllers.expressions.evaluator import EvaluatorError
from controllers.kube.client import Client
from controllers.kube.object import Object
from controllers.runtime.cache import Key
from controllers.runtime.ending import exit_status
from placement.evaluator.expressions import Expressions
from placement.explain import tables
from placement.explain.gather import Drafts, Live, UnreadableError, drafts, gather
from placement.explain.report import explain_placement, explain_workflow

# Columns of a table that is not shown on a terminal: who reads it there has no edge to fold at.
_UNFOLDED = 240

_DESCRIPTION = """\
Why a Placement selects which clusters, and a Workflow gets which of them: what each filter leaves, the scores, what is
active and free on each cluster. Reads the hub as it is now; writes nothing.

With -f, as it would be with files applied that are not yet: Placements and Workflows in them are explained, and
ManagedClusters, sets, bindings and AddOnPlacementScores taken into account.
"""

_EXAMPLES = """\
examples:
  python -m placement explain workflow/hello-world           in namespace argo
  python -m placement explain placement/any-cluster -n team-a
  python -m placement explain -f placement.yaml              before it is applied
  python -m placement explain workflow/hello-world -f drained-cluster.yaml
                                                             where it would go without that cluster

SELECTED says yes or no; "not yet" and "still": by the rules, and not as the PlacementDecisions are at this moment.
"""

_TYPES = {
    "placement": PLACEMENT,
    "placements": PLACEMENT,
    "workflow": WORKFLOW,
    "workflows": WORKFLOW,
    "wf": WORKFLOW,
}


class NotThereError(ValueError):
    """What was asked for does not exist. The text says what does."""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command to `python -m placement`."""
    parser = commands.add_parser(
        "explain",
        help="why a Placement selects which clusters, and a Workflow gets which of them",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "targets", nargs="*", type=_target, metavar="TYPE/NAME", help="placement/NAME or workflow/NAME"
    )
    parser.add_argument(
        "-f", "--filename", action="append", default=[], type=Path, help="a YAML file; may be repeated"
    )
    parser.add_argument("-n", "--namespace", default=keys.ARGO_NAMESPACE, help="default: argo")
    parser.add_argument("--kubeconfig", help="the hub's kubeconfig (default: as kubectl finds it)")
    parser.add_argument("--context", help="its context (default: the current one)")


def _target(text: str) -> tuple[str, str]:
    kind, separator, name = text.partition("/")
    if not separator or not name or kind.lower() not in _TYPES:
        raise argparse.ArgumentTypeError(f"{text!r} is neither placement/NAME nor workflow/NAME")
    return kind.lower(), name


async def run(options: argparse.Namespace) -> None:
    """Raises UnreadableError, NotThereError, OSError, ConfigError, ApiError."""
    files = drafts(options.filename, options.namespace)
    if not options.targets and not files.of(PLACEMENT) and not files.of(WORKFLOW):
        raise NotThereError(
            "nothing to explain: name a placement/NAME or a workflow/NAME, or a file with one"
        )
    hub = await Client.connect(options.kubeconfig, options.context)
    try:
        live = await gather(hub)
        wanted = {name for kind, name in options.targets if _TYPES[kind] == WORKFLOW}
        finished = [await hub.find(WORKFLOW, name, namespace=options.namespace) for name in sorted(wanted)]
    finally:
        await hub.close()
    asked = {item.key: item for item in finished if item is not None}
    expressions = Expressions.with_worker()
    try:
        await _show(options, live.with_drafts(files), asked, files, expressions)
    finally:
        await expressions.evaluator.close()


async def _show(
    options: argparse.Namespace,
    live: Live,
    asked: dict[Key, Object],
    files: Drafts,
    expressions: Expressions,
) -> None:
    console = Console(soft_wrap=False)
    if not console.is_terminal:
        console = Console(width=_UNFOLDED)
    now = datetime.now(UTC)
    for number, (kind, name) in enumerate(_all_targets(options, files)):
        if number:
            console.print()
        if _TYPES[kind] == PLACEMENT:
            placement = live.placements.get(name)
            if placement is None:
                raise NotThereError(_no(PLACEMENT.kind, name, live.placements))
            is_draft = any(item.key == name for item in files.of(PLACEMENT))
            explain = functools.partial(explain_placement, live, placement, now)
            console.print(
                tables.of_placement(await expressions.answered(live.cel, explain), is_draft=is_draft)
            )
        else:
            is_draft = any(item.key == name for item in files.of(WORKFLOW))
            workflow = live.workflows.get(name) if is_draft else asked.get(name)
            if workflow is None:
                raise NotThereError(_no(WORKFLOW.kind, name, live.workflows))
            explain_it = functools.partial(explain_workflow, live, workflow, now)
            console.print(
                tables.of_workflow(await expressions.answered(live.cel, explain_it), is_draft=is_draft)
            )


def _all_targets(options: argparse.Namespace, files: Drafts) -> list[tuple[str, Key]]:
    """What was named, else what the files hold: (type, key)."""
    if options.targets:
        return [(kind, (options.namespace, name)) for kind, name in options.targets]
    return [
        *(("placement", item.key) for item in files.of(PLACEMENT)),
        *(("workflow", item.key) for item in files.of(WORKFLOW)),
    ]


def _no(kind: str, key: Key, known: Collection[Key]) -> str:
    namespace, name = key
    there = sorted(found for where, found in known if where == namespace)
    shown = ", ".join(there[:10]) + (", ..." if len(there) > 10 else "") if there else "none"
    return f"there is no {kind} {name} in namespace {namespace} (there: {shown})"


def main(options: argparse.Namespace) -> int:
    """Exit status: 0 explained, 1 the hub did not answer or what was asked for is not there, 2 wrong use."""
    return exit_status(
        lambda: uvloop.run(run(options)), failures=(UnreadableError, NotThereError, EvaluatorError, OSError)
    )
