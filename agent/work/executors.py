"""Asks the managed cluster whether the account that a work names may do what the agent is about to do for it."""

from __future__ import annotations

import msgspec

from agent.decide.executor import BadExecutorError, account, may_escalate, refusal, reviews, user
from agent.work.outcome import Json
from controllers.api.kinds import Kind
from controllers.api.work import Executor
from controllers.kube.access import allows
from controllers.kube.client import Client
from controllers.kube.errors import AlreadyExists, Forbidden


class Executors:
    """Of one managed cluster. Nothing is remembered: rights that are taken away count with the next write."""

    def __init__(self, managed: Client) -> None:
        self._managed = managed

    async def refusal(
        self, executor: Executor | None, kind: Kind, namespace: str, name: str, manifest: Json, *, owned: bool
    ) -> str:
        """Why the object may not be written for this executor; "" when it may. `owned`: the work will delete it, too.
        Raises ApiError."""
        try:
            of = account(executor)
        except BadExecutorError as error:
            return str(error)
        if of is None:
            return ""
        for review in reviews(of, kind, namespace, name, owned=owned):
            if not await allows(self._managed, review):
                return refusal(kind, namespace, name)
        if may_escalate(kind) and not await self._may_grant(user(of), kind, namespace, manifest):
            return refusal(kind, namespace, name, escalates=True)
        return ""

    async def _may_grant(self, name: str, kind: Kind, namespace: str, manifest: Json) -> bool:
        """Tries it as that user, without doing it: the API server refuses to let anyone grant more than they have."""
        body = msgspec.json.encode(manifest)
        query = (("dryRun", "All"),)
        try:
            await self._managed.request(
                "POST", kind.path(namespace), body=body, query=query, impersonate=name
            )
        except Forbidden:
            return False
        except AlreadyExists:  # the server looks at what is granted before it looks whether it is there
            return True
        return True
