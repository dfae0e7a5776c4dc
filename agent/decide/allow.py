"""What a hub may touch on this cluster, as the cluster's administrator has told the agent. Pure.

Owns the patterns of `--allow-namespace` and `--allow-kind`, and what they come to for one object. The hub has no say in
it, and neither has an executor: these are bounds of the agent itself. They are about what a hub may have made, changed
and looked at. What an earlier, wider list let a hub make may still be removed for it.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from agent.decide.wildcard import fits
from controllers.api.kinds import NAMESPACE, Kind

_LABEL: Final = r"[a-z0-9*](?:[-a-z0-9*]*[a-z0-9*])?"
_NAMESPACE_PATTERN: Final = re.compile(_LABEL)
_KIND_PATTERN: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_LONGEST_NAMESPACE: Final = 63


class BadPatternError(ValueError):
    """A pattern that could never match what it is about; the message says what it should look like."""


class Allowed(NamedTuple):
    """Patterns of namespaces and of kinds. An empty list allows all of them."""

    namespaces: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()


EVERYTHING: Final = Allowed()


def namespace_pattern(text: str) -> str:
    """`text`, if it is a namespace's name with any number of `*` in it. Raises BadPatternError."""
    if not _NAMESPACE_PATTERN.fullmatch(text) or len(text) > _LONGEST_NAMESPACE:
        raise BadPatternError(
            f"{text!r} is no namespace: a name of lower-case letters, digits and dashes, with * for any run of "
            "characters, as in team-*"
        )
    return text


def kind_pattern(text: str) -> str:
    """`text`, if it names resources as kubectl does, with any number of `*` in it. Raises BadPatternError."""
    if not _KIND_PATTERN.fullmatch(text):
        raise BadPatternError(
            f"{text!r} is no kind: the plural and the group as `kubectl api-resources` has them, as in "
            "workflows.argoproj.io, *.argoproj.io, configmaps (the core group has no name) or *"
        )
    return text


def refusal(allowed: Allowed, kind: Kind, namespace: str, name: str) -> str:
    """Why the hub may not touch the object, and what to do about it; "" if it may. `namespace` is "" for a
    cluster-scoped object.

    A list of namespaces keeps the hub off cluster-scoped objects unless a pattern names their kind or group. A
    Namespace is judged by its own name, whatever the kinds say.
    """
    if allowed.kinds and not any(_covers(pattern, kind) for pattern in allowed.kinds):
        return _words(str(kind), f"--allow-kind {kind}")
    if not allowed.namespaces:
        return ""
    place = namespace if kind.namespaced else name if _is_namespace(kind) else None
    if place is not None:
        is_allowed = any(fits(pattern, place) for pattern in allowed.namespaces)
        return "" if is_allowed else _words(f"namespace {place}", f"--allow-namespace {place}")
    if any(_covers(pattern, kind) and _is_specific(pattern) for pattern in allowed.kinds):
        return ""
    # The first --allow-kind takes away what none has allowed.
    option = f"--allow-kind {kind}" if allowed.kinds else f"--allow-kind '*' --allow-kind {kind}"
    return _words(f"{kind}, which are in no namespace", option)


def _covers(pattern: str, kind: Kind) -> bool:
    if pattern == "*":
        return True
    plural, _, group = pattern.partition(".")
    return fits(plural, kind.plural) and fits(group, kind.group) and bool(group) == bool(kind.group)


def _is_specific(pattern: str) -> bool:
    """Whether it says anything of what it covers."""
    return bool(pattern.strip("*."))


def _is_namespace(kind: Kind) -> bool:
    return (kind.group, kind.plural) == (NAMESPACE.group, NAMESPACE.plural)


def _words(what: str, option: str) -> str:
    return f"this cluster's agent does not allow the hub to touch {what}: to allow it, run the agent with {option}"
