"""What an API server's answer means to a controller, as a tree of exceptions.

    ApiError
    ├── BadRequest         400
    ├── Unauthorized       401
    ├── Forbidden          403
    ├── NotFound           404
    ├── Conflict           409 Conflict: the object changed since it was read
    │   └── AlreadyExists  409 AlreadyExists
    ├── Expired            410: the resourceVersion is too old, list again
    ├── TooLarge           413, or a 500 for what etcd does not store: will never be accepted
    ├── Invalid            422: the object breaks a rule of its kind, or a JSON patch `test` failed
    ├── TooManyRequests    429: `retry_after` says when to come back
    └── Unavailable        5xx, no connection, no answer in time

Code is chosen by `status` and `reason` of metav1.Status, never by the words of its message.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from controllers.api.echo import echoed

# Characters of a message.
_LONGEST: Final = 2000


class ApiError(Exception):
    """A request that the API server refused or never answered.

    `status` is the HTTP code, 0 when there was no answer. `reason` is metav1.Status.reason. `message` is cut: servers
    repeat what they were sent.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 0,
        reason: str = "",
        details: Mapping[str, Any] | None = None,
        retry_after: float | None = None,
    ) -> None:
        message = echoed(message, _LONGEST)
        super().__init__(message)
        self.message = message
        self.status = status
        self.reason = reason
        self.details: Mapping[str, Any] = details or {}
        self.retry_after = retry_after


class BadRequest(ApiError): ...


class Unauthorized(ApiError): ...


class Forbidden(ApiError): ...


class NotFound(ApiError): ...


class Conflict(ApiError): ...


class AlreadyExists(Conflict): ...


class Expired(ApiError): ...


class TooLarge(ApiError): ...


class Invalid(ApiError): ...


class TooManyRequests(ApiError): ...


class Unavailable(ApiError): ...


_BY_STATUS: dict[int, type[ApiError]] = {
    400: BadRequest,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: Expired,
    413: TooLarge,
    422: Invalid,
    429: TooManyRequests,
}


class _Status(msgspec.Struct):
    message: str = ""
    reason: str = ""
    code: int = 0
    details: dict[str, Any] | None = None


def from_status(code: int, body: bytes, retry_after: str | None = None) -> ApiError:
    """The exception for an error answer (or an ERROR watch event) whose body is a metav1.Status.

    A body that is something else (a proxy's HTML) becomes the message, cut to 500 characters.
    """
    try:
        status = msgspec.json.decode(body, type=_Status)
    except (msgspec.DecodeError, ValueError, RecursionError):
        status = _Status(message=body[:500].decode("utf-8", "replace"))
    code = code or status.code
    kind = Unavailable if code >= 500 else _BY_STATUS.get(code, ApiError)
    if code == 409 and status.reason == "AlreadyExists":
        kind = AlreadyExists
    return kind(
        status.message or f"HTTP {code}",
        status=code,
        reason=status.reason,
        details=status.details,
        retry_after=_seconds(retry_after),
    )


def _seconds(retry_after: str | None) -> float | None:
    """Retry-After as seconds. API servers send whole seconds; the date form is not used by them."""
    return float(retry_after) if retry_after and retry_after.isdecimal() else None
