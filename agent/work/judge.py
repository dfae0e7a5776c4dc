"""Has the condition rules of a work evaluated on its objects as they are now. Decides nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import msgspec

from agent.decide.conditions import judged
from agent.decide.config import options_for
from agent.decide.status import Observation
from controllers.api.work import ManifestWork
from controllers.expressions.evaluator import Document, Evaluator
from controllers.expressions.wire import Answer


class Judge:
    """Asks `evaluator`, whose compilers are those of `agent.decide.cel`."""

    def __init__(self, evaluator: Evaluator) -> None:
        self._evaluator = evaluator

    async def observed(self, work: ManifestWork, observations: Iterable[Observation]) -> list[Observation]:
        """With what the rules of the work say of each. Raises EvaluatorError."""
        return [await self._observed(work, observation) for observation in observations]

    async def _observed(self, work: ManifestWork, observation: Observation) -> Observation:
        rules = options_for(observation.meta, work.spec.manifest_configs).condition_rules
        if observation.live is None or not rules:
            return observation
        meta = observation.meta
        subject = f"{work.metadata.name}/{meta.group}/{meta.resource}/{meta.namespace}/{meta.name}"

        async def ask(environment: str, expression: str, variables: dict[str, Any]) -> Answer:
            try:
                document = Document(subject, msgspec.json.encode(variables))
            except (UnicodeEncodeError, RecursionError) as error:
                return Answer(error=f"the object can't be written as JSON: {error}")
            return (await self._evaluator.evaluate(environment, expression, [document]))[0]

        return replace(observation, judged=await judged(observation.live, rules, ask))
