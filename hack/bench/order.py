"""What is sent in one load: which Workflows, in which namespaces, and how long to wait for them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from hack.bench.scenario import RUN_SECONDS, Load, Scenario, Steady
from hack.bench.workload import NAMESPACE, Draft, workflow


class Order(NamedTuple):
    """What to send. `run` names it, and is the beginning of its Workflows' names.

    They take turns in the `namespaces`; a name is used in one of them only.
    """

    run: str
    load: Load
    status_bytes: int
    run_seconds: float = RUN_SECONDS
    namespaces: Sequence[str] = (NAMESPACE,)

    @classmethod
    def of(cls, scenario: Scenario) -> Order:
        return cls(scenario.name, scenario.load, scenario.shape.status_bytes, scenario.run_seconds)

    @property
    def patience(self) -> float:
        """Seconds after which those that have not finished are given up."""
        sending = self.load.seconds if isinstance(self.load, Steady) else 0.0
        return 60.0 + sending + self.load.count * (0.25 if self.status_bytes < 50_000 else 1.0)

    def drafts(self) -> dict[str, Draft]:
        """The Workflows by name, in the order in which they are to be created."""
        numbers = range(self.load.count)
        return {
            f"{self.run}-{number:05}": self._draft(
                f"{self.run}-{number:05}", self.namespaces[number % len(self.namespaces)]
            )
            for number in numbers
        }

    def _draft(self, name: str, namespace: str) -> Draft:
        body = workflow(
            name,
            run=self.run,
            status_bytes=self.status_bytes,
            run_seconds=self.run_seconds,
            namespace=namespace,
        )
        return Draft(namespace, msgspec.json.encode(body))
