"""Who wants an object otherwise than its manifest, in words for the work's status. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agent.decide.desired import desired
from agent.decide.difference import differing
from agent.decide.fields import fields_of, is_ours, owners

Json = dict[str, Any]

REASON = "ObjectDisputed"

# So many places are named.
_NAMED = 3


def blame(manifest: Json, live: Json | None, works: Sequence[str]) -> str:
    """Who has made `live` what it is; `works`: other works that bring the same object, as a user knows them."""
    if live is None:
        return "something on the cluster deletes it each time that it is made"
    wanted = desired(manifest)
    present = {name: live.get(name) for name in wanted if name not in ("apiVersion", "kind")}
    named = {name: value for name, value in wanted.items() if name in present}
    paths = list(differing(named, present, fields_of(live)))
    places = ", ".join(_text(path) for path in paths[:_NAMED]) + (", ..." if len(paths) > _NAMED else "")
    places = places or "owner"
    found = [writer for path in paths for writer in owners(live, path)]
    managers = sorted({writer.manager for writer in found if not is_ours(writer)})
    if works and (not managers or any(is_ours(writer) for writer in found)):
        return f"{' and '.join(works)} {'has' if len(works) == 1 else 'have'} the same object with another {places}"
    if managers:
        return f"{' and '.join(managers)} (so its managedFields say) changes {places}"
    return f"something on the cluster changes {places}"


def message(what: str, who: str) -> str:
    """`what` is disputed, and `who` (from `blame`) disagrees."""
    return (
        f"{what} does not stay as its manifest says: {who}. It is still repaired, but at most once a minute; let only "
        "one of them decide"
    )


def _text(path: Sequence[str]) -> str:
    """A path of a record for a person: `f:spec`, `k:{"name":"c"}` is `.spec[name=c]`."""
    return "".join(_step(step) for step in path)


def _step(step: str) -> str:
    kind, _, rest = step.partition(":")
    return f".{rest}" if kind == "f" else f"[{rest.strip('{}').replace(chr(34), '')}]"
