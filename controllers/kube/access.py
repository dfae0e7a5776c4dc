"""Asks an API server what somebody may do (authorization.k8s.io/v1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from controllers.kube.client import Client

_REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"


class _Status(msgspec.Struct):
    allowed: bool = False


class _Review(msgspec.Struct):
    status: _Status = msgspec.field(default_factory=_Status)


async def allows(client: Client, review: Mapping[str, Any]) -> bool:
    """The answer to a SubjectAccessReview. Raises ApiError."""
    answer = await client.request("POST", _REVIEWS, body=msgspec.json.encode(review))
    return msgspec.json.decode(answer, type=_Review).status.allowed
