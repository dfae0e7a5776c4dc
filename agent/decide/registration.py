"""What a cluster tells its hub about itself. Pure."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from controllers.api.keys import SPOKE_ONLY_LABEL
from controllers.api.meta import ObjectMeta

Json = dict[str, Any]

_CLAIM_LIMIT: Final = 1024

_CONDITIONS = (
    ("ManagedClusterJoined", "ManagedClusterJoined", "Managed cluster joined"),
    ("ManagedClusterConditionAvailable", "ManagedClusterAvailable", "Managed cluster is available"),
)


def node_totals(
    nodes: Iterable[Json], field: str, add: Callable[[Iterable[str]], str], *, schedulable_only: bool
) -> dict[str, str]:
    """The sum of `field` ("capacity" or "allocatable") of all nodes by resource name.

    `add` sums quantities, and raises ValueError where there is no sum: such a resource is left out, since one Node with
    a quantity that nothing has must not keep all others from the hub. With `schedulable_only`, nodes that are cordoned
    are left out, as OCM does for allocatable.
    """
    amounts: dict[str, list[str]] = {}
    for node in nodes:
        if schedulable_only and (node.get("spec") or {}).get("unschedulable"):
            continue
        for resource, quantity in ((node.get("status") or {}).get(field) or {}).items():
            amounts.setdefault(resource, []).append(str(quantity))
    totals: dict[str, str] = {}
    for resource, values in sorted(amounts.items()):
        with contextlib.suppress(ValueError):
            totals[resource] = add(values)
    return totals


def is_tellable(value: str) -> bool:
    """Whether the hub takes the value of a ClusterClaim, by the bounds in ManagedCluster's schema; a cluster takes one
    without any value, and a claim that is refused would keep all of the status from the hub."""
    return 1 <= len(value) <= _CLAIM_LIMIT


def is_for_hub(claim: ObjectMeta) -> bool:
    """Whether a ClusterClaim is one that the hub is told of (OCM's rule, claim_reconcile.go of its registration)."""
    return SPOKE_ONLY_LABEL not in claim.labels


def cluster_status(
    status: Json,
    *,
    version: str,
    capacity: Mapping[str, str],
    allocatable: Mapping[str, str],
    claims: Sequence[tuple[str, str]],
    now: str,
) -> Json:
    """The ManagedCluster status that the agent reports: `status` as it is now, with the agent's fields replaced.

    `claims` are (name, value). Conditions of others stay; `now` (RFC 3339) stamps those that change.
    """
    return {
        **status,
        "version": {"kubernetes": version},
        "capacity": dict(capacity),
        "allocatable": dict(allocatable),
        "clusterClaims": [{"name": name, "value": value} for name, value in sorted(claims)],
        "conditions": _conditions(list(status.get("conditions") or []), now),
    }


def _conditions(present: list[Json], now: str) -> list[Json]:
    by_type = {item.get("type"): item for item in present}
    ours = {name for name, _, _ in _CONDITIONS}
    result = [item for item in present if item.get("type") not in ours]
    for name, reason, message in _CONDITIONS:
        old = by_type.get(name)
        if old is not None and old.get("status") == "True" and old.get("reason") == reason:
            result.append(old)
            continue
        stamp = old["lastTransitionTime"] if old and old.get("status") == "True" else now
        result.append(
            {
                "type": name,
                "status": "True",
                "reason": reason,
                "message": message,
                "lastTransitionTime": stamp,
            }
        )
    return result
