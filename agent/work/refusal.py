"""What an API server's error says of the one object that was about to be applied."""

from __future__ import annotations

from typing import Any

from agent.work.lacking import Lack, MissingKind, MissingNamespace
from controllers.kube.errors import ApiError, Conflict, Forbidden, NotFound, TooManyRequests, Unavailable


def is_refusal(error: ApiError) -> bool:
    """Whether the server has judged this one object; else it was away or busy, or somebody else wrote first,
    and all of the work is tried again."""
    if isinstance(error, Conflict):
        return "FieldManagerConflict" in _causes(error)
    if isinstance(error, Unavailable):
        return error.status == 500  # a webhook that fails, for one
    return not isinstance(error, TooManyRequests)


def words(error: ApiError) -> str:
    """What the server said, and what to do about the refusal that users meet most."""
    if isinstance(error, NotFound) and _is_about_namespace(error):
        return f"{error.message}: create it on the cluster"
    return error.message


def lack_of(error: ApiError, kind: MissingKind, namespace: str) -> Lack | None:
    """What was missing for an object of `kind` in `namespace`, or may have been; None: it was something else.

    A kind that has gone is answered with a 404 that names no object. One whose definition is on its way out is
    forbidden, in an answer that nothing tells from that of a missing permission.
    """
    if isinstance(error, NotFound):
        if _is_about_namespace(error):
            return MissingNamespace(namespace)
        return None if error.details.get("kind") else kind
    if isinstance(error, Forbidden):
        return MissingNamespace(namespace) if "NamespaceTerminating" in _causes(error) else kind
    return None


def _is_about_namespace(error: ApiError) -> bool:
    return error.details.get("kind") == "namespaces"


def _causes(error: ApiError) -> list[str]:
    causes: list[dict[str, Any]] = error.details.get("causes") or []
    return [str(cause.get("reason")) for cause in causes]
