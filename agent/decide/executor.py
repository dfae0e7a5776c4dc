"""On whose behalf a work is applied: what is asked about that account before an object is touched. Pure.

Rules of OCM's work agent (v1.2.0): a service account must be allowed to create, update, patch and get the object, and
to delete it if the work owns it. What it could not grant itself, by roles and their bindings, it may not bring either.
"""

from __future__ import annotations

from typing import Any, Final

from controllers.api.kinds import Kind
from controllers.api.work import Executor, SubjectServiceAccount

Json = dict[str, Any]

_VERBS: Final = ("create", "update", "patch", "get")
_SERVICE_ACCOUNT: Final = "ServiceAccount"
_RBAC: Final = "rbac.authorization.k8s.io"
_GRANTS: Final = ("roles", "rolebindings", "clusterroles", "clusterrolebindings")


class BadExecutorError(ValueError):
    """An executor that names nobody. The text is for the manifest's condition."""


def account(executor: Executor | None) -> SubjectServiceAccount | None:
    """The account to ask about; None: the agent's own permissions are the only bound. Raises BadExecutorError."""
    if executor is None or executor.subject is None:
        return None
    subject = executor.subject
    if subject.type != _SERVICE_ACCOUNT:
        raise BadExecutorError(f"only support {_SERVICE_ACCOUNT} type for the executor")
    if subject.service_account is None:
        raise BadExecutorError("the executor service account is nil")
    return subject.service_account


def user(of: SubjectServiceAccount) -> str:
    """The account's name as a user."""
    return f"system:serviceaccount:{of.namespace}:{of.name}"


def reviews(of: SubjectServiceAccount, kind: Kind, namespace: str, name: str, *, owned: bool) -> list[Json]:
    """The SubjectAccessReviews that must all be allowed."""
    groups = ["system:serviceaccounts", "system:authenticated", f"system:serviceaccounts:{of.namespace}"]
    attributes = {
        "group": kind.group,
        "version": kind.version,
        "resource": kind.plural,
        "namespace": namespace,
        "name": name,
    }
    return [
        {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {
                "user": user(of),
                "groups": groups,
                "resourceAttributes": {key: value for key, value in attributes.items() if value}
                | {"verb": verb},
            },
        }
        for verb in (*_VERBS, *(("delete",) if owned else ()))
    ]


def may_escalate(kind: Kind) -> bool:
    """Whether objects of the kind grant rights, which no access review looks into."""
    return kind.group == _RBAC and kind.plural in _GRANTS


def refusal(kind: Kind, namespace: str, name: str, *, escalates: bool = False) -> str:
    """In OCM's words."""
    words = f"not allowed to apply the resource {kind.group} {kind.plural}, {namespace} {name}"
    return f"{words}, error: permission escalation" if escalates else words
