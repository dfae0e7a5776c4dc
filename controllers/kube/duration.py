"""Durations as Kubernetes writes them (GEP-2257: "90s", "5m", "1h30m"), read by the client library.

Imported with the first one, as in `controllers.kube.quantity` and for the same reason.
"""

from __future__ import annotations


def seconds(duration: str) -> float:
    """The duration in seconds. Raises ValueError for other text."""
    from kubernetes.utils.duration import parse_duration

    return float(parse_duration(duration).total_seconds())
