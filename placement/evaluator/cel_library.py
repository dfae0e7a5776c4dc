"""Functions of Kubernetes' CEL libraries, and of OCM's, that selectors of clusters are written with.

A quantity is a number here and a semantic version a text, so that comparing takes no types of our own. Owns what
these functions mean (k8s.io/apiserver pkg/cel/library, sdk-go pkg/cel/library), nothing of how they are used.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

from controllers.cel import BOOL, DOUBLE, DYN, INT, STRING, Function, Overload
from controllers.kube.quantity import amount
from controllers.kube.semver import normalized, version


def _semver(text: str, normalize: bool = False) -> str:
    clean = normalized(text) if normalize else text
    version(clean)
    return clean


def _is(read: Callable[..., Any]) -> Callable[..., bool]:
    def readable(*arguments: Any) -> bool:
        try:
            read(*arguments)
        except ValueError:
            return False
        return True

    return readable


def _order(one: Any, other: Any) -> int:
    return int(one > other) - int(one < other)


def _versions(one: str, other: str) -> int:
    return _order(version(one), version(other))


def _function(name: str, *overloads: tuple[Callable[..., Any], Any, list[Any], bool]) -> Any:
    return Function(
        name,
        [
            Overload(
                f"{name}_{number}", return_type=result, parameters=parameters, is_member=member, impl=call
            )
            for number, (call, result, parameters, member) in enumerate(overloads)
        ],
    )


def _comparing(name: str, result: Any, verdict: Callable[[int], Any]) -> Any:
    """A method of quantities and of versions."""
    return _function(
        name,
        (lambda one, other: verdict(_order(one, other)), result, [DOUBLE, DOUBLE], True),
        (lambda one, other: verdict(_versions(one, other)), result, [STRING, STRING], True),
    )


FUNCTIONS: Final = (
    _function("parseJSON", (json.loads, DYN, [STRING], True)),
    _function("quantity", (amount, DOUBLE, [STRING], False)),
    _function("isQuantity", (_is(amount), BOOL, [STRING], False)),
    _function("semver", (_semver, STRING, [STRING], False), (_semver, STRING, [STRING, BOOL], False)),
    _function("isSemver", (_is(_semver), BOOL, [STRING], False), (_is(_semver), BOOL, [STRING, BOOL], False)),
    _comparing("compareTo", INT, int),
    _comparing("isGreaterThan", BOOL, lambda order: order > 0),
    _comparing("isLessThan", BOOL, lambda order: order < 0),
    _function("asApproximateFloat", (float, DOUBLE, [DOUBLE], True)),
    _function("asInteger", (int, INT, [DOUBLE], True)),
    _function("isInteger", (float.is_integer, BOOL, [DOUBLE], True)),
    _function("sign", (lambda one: _order(one, 0), INT, [DOUBLE], True)),
    _function("add", (lambda one, other: one + other, DOUBLE, [DOUBLE, DOUBLE], True)),
    _function("sub", (lambda one, other: one - other, DOUBLE, [DOUBLE, DOUBLE], True)),
    _function("major", (lambda one: version(one).major, INT, [STRING], True)),
    _function("minor", (lambda one: version(one).minor, INT, [STRING], True)),
    _function("patch", (lambda one: version(one).patch, INT, [STRING], True)),
)

# The library behind quantities is imported with the first of them: now, and not in the time of somebody's expression.
amount("1Ki")
