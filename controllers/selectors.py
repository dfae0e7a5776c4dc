"""Label selectors as Kubernetes means them (metav1.LabelSelector), for labels and for cluster claims alike.

A selector is compiled once, which is where a broken one is found, and then matched against many clusters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from controllers.api.meta import LabelSelector, LabelSelectorRequirement
from controllers.misconfigured import Misconfigured

# apimachinery's limits: a DNS subdomain and a slash may precede a name of the form of a non-empty value.
_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


class InvalidSelector(Misconfigured):
    """A selector that the Kubernetes API would not take."""


class Requirement(NamedTuple):
    """One condition on a set of labels. `values` is empty for Exists and DoesNotExist."""

    key: str
    operator: str
    values: frozenset[str] = frozenset()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """NotIn and DoesNotExist also hold where the key is absent."""
        match self.operator:
            case "In":
                return labels.get(self.key) in self.values
            case "NotIn":
                return labels.get(self.key) not in self.values
            case "Exists":
                return self.key in labels
            case _:
                return self.key not in labels


class Matcher(NamedTuple):
    """All requirements must hold; without any, everything matches."""

    requirements: tuple[Requirement, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        return all(requirement.matches(labels) for requirement in self.requirements)


def compile_selector(selector: LabelSelector, field: str) -> Matcher:
    """`field` is the selector's path, for the message of InvalidSelector, which is raised for a broken one."""
    equal = [
        _checked(Requirement(key, "In", frozenset((value,))), f"{field}.matchLabels")
        for key, value in (selector.match_labels or {}).items()
    ]
    expressions = compile_requirements(selector.match_expressions or (), f"{field}.matchExpressions")
    return Matcher((*equal, *expressions.requirements))


def compile_requirements(expressions: Sequence[LabelSelectorRequirement], field: str) -> Matcher:
    """As compile_selector, for a bare list of requirements."""
    return Matcher(
        tuple(
            _checked(Requirement(item.key, item.operator, frozenset(item.values or ())), f"{field}[{index}]")
            for index, item in enumerate(expressions)
        )
    )


def _checked(requirement: Requirement, field: str) -> Requirement:
    prefix, slash, name = requirement.key.rpartition("/")
    prefix_ok = not slash or (len(prefix) <= 253 and _SUBDOMAIN.fullmatch(prefix))
    if not (name and prefix_ok and _VALUE.fullmatch(name)):
        raise InvalidSelector(field, f"{requirement.key!r} is not a label key")
    match requirement.operator:
        case "In" | "NotIn":
            if not requirement.values:
                raise InvalidSelector(field, f"operator {requirement.operator} needs values")
            _check_values(requirement.values, field)
        case "Exists" | "DoesNotExist":
            if requirement.values:
                raise InvalidSelector(field, f"operator {requirement.operator} takes no values")
        case operator:
            raise InvalidSelector(field, f"operator {operator!r} is not In, NotIn, Exists or DoesNotExist")
    return requirement


def _check_values(values: Iterable[str], field: str) -> None:
    broken = sorted(value for value in values if not _VALUE.fullmatch(value))
    if broken:
        raise InvalidSelector(field, f"{broken[0]!r} is not a label value")
