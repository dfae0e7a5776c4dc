"""What a user asks of placement by annotations: on the Workflow, or on its Placement for all its Workflows. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any, Final, NamedTuple

from controllers.api import keys
from controllers.api.echo import echoed
from controllers.kube.duration import seconds
from controllers.kube.quantity import amount
from placement.capacity.need import NOTHING, Need, peak
from placement.strategies import DEFAULT, STRATEGIES

WAIT: Final = "wait"
RESCHEDULE: Final = "reschedule"
_FAILOVER: Final = (WAIT, RESCHEDULE)

# How long a cluster is to be lost before its Workflows are rescheduled. That it is lost is noticed only after five
# times its lease's duration; this is for a cluster that comes back late.
DEFAULT_AFTER: Final = timedelta(minutes=5)

_NO_NEED: Final = "none"
_RESOURCES: Final = ("cpu", "memory", "pods")


class BadSettingError(ValueError):
    """An annotation that means nothing. The text says which one, what is wrong and what would be right."""


class Settings(NamedTuple):
    """`need`: what the user says the Workflow needs; None: to be estimated. `after`: how long a lost cluster is waited
    for before its Workflows are rescheduled, where `reschedules`."""

    strategy: str = DEFAULT
    need: Need | None = None
    reschedules: bool = False
    after: timedelta = DEFAULT_AFTER

    def needed(self, spec: Any) -> Need:
        """What a Workflow with this spec needs, by what its user says, else by the estimate."""
        return peak(spec, amount) if self.need is None else self.need


def read(workflow: Mapping[str, str], placement: Mapping[str, str]) -> Settings:
    """The settings from the annotations of both; those of the Workflow win. Raises BadSettingError."""

    def of(annotation: str) -> str:
        return workflow.get(annotation) or placement.get(annotation, "")

    strategy = of(keys.STRATEGY_ANNOTATION) or DEFAULT
    if strategy not in STRATEGIES:
        raise _bad(keys.STRATEGY_ANNOTATION, strategy, f"one of {', '.join(STRATEGIES)}")
    failover = of(keys.FAILOVER_ANNOTATION) or WAIT
    if failover not in _FAILOVER:
        raise _bad(keys.FAILOVER_ANNOTATION, failover, f"one of {', '.join(_FAILOVER)}")
    return Settings(
        strategy=strategy,
        need=_need(of(keys.NEED_ANNOTATION)),
        reschedules=failover == RESCHEDULE,
        after=_after(of(keys.FAILOVER_AFTER_ANNOTATION)),
    )


def _after(text: str) -> timedelta:
    if not text:
        return DEFAULT_AFTER
    try:
        return timedelta(seconds=seconds(text))
    except (ValueError, OverflowError) as error:
        raise _bad(keys.FAILOVER_AFTER_ANNOTATION, text, "a duration such as 90s, 5m or 1h30m") from error


def _need(text: str) -> Need | None:
    if not text:
        return None
    if text == _NO_NEED:
        return NOTHING
    found: dict[str, float] = {}
    try:
        for item in text.split(","):
            name, _, quantity = item.partition("=")
            found[_new_resource(name.strip(), found)] = _amount(quantity.strip())
    except ValueError as error:
        form = f"{_NO_NEED}, or amounts such as cpu=4,memory=8Gi,pods=10"
        raise _bad(keys.NEED_ANNOTATION, text, form) from error
    return Need(**found)


def _new_resource(name: str, known: Collection[str]) -> str:
    if name not in _RESOURCES or name in known:
        raise ValueError(name)
    return name


def _amount(text: str) -> float:
    if (found := amount(text)) < 0:
        raise ValueError(text)
    return found


def _bad(annotation: str, text: str, right: str) -> BadSettingError:
    return BadSettingError(f"annotation {annotation}: {echoed(text)!r} is not {right}")
