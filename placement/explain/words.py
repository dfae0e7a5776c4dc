"""An evaluation in a line, for annotations and Events. Pure."""

from __future__ import annotations

from collections import Counter
from typing import Final

from placement.evaluator.evaluate import Evaluation

# Reasons that are told, of the most frequent ones.
_TOLD: Final = 3


def refusals(evaluation: Evaluation) -> str:
    """Why no cluster, or not more, such as `of 5 clusters in its sets 3: does not match spec.predicates[0] (labels), 2:
    taint a:NoSelect is not tolerated`; "" when nothing was refused."""
    reasons = Counter(reason for step in evaluation.steps for reason in step.refused.values())
    if not reasons:
        return ""
    told = [f"{count}: {reason}" for reason, count in reasons.most_common(_TOLD)]
    rest = sum(reasons.values()) - sum(count for _, count in reasons.most_common(_TOLD))
    if rest:
        told.append(f"{rest}: other reasons")
    many = len(evaluation.candidates)
    return f"of {many} cluster{'s' if many > 1 else ''} in its sets {', '.join(told)}"
