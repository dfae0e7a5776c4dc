"""The error for what only the author of a Placement or of a ManagedClusterSet can put right."""

from __future__ import annotations


class Misconfigured(ValueError):
    """`field` is the path of the field in its object, `problem` what is wrong with it, in words."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem
