"""The error for what only the author of a Placement or of a ManagedClusterSet can put right."""

from __future__ import annotations

from controllers.api.echo import LIMIT, echoed


class Misconfigured(ValueError):
    """`field` is the path of the field in its object, `problem` what is wrong with it, in words, which are cut if what
    they repeat of it is long."""

    def __init__(self, field: str, problem: str) -> None:
        problem = echoed(problem, 2 * LIMIT)
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem
