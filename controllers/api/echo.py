"""What users write, as far as it is repeated to them: in Events, conditions, annotations and log lines."""

from __future__ import annotations

from typing import Final

# Characters of one value. Whoever wrote more than that knows it by its beginning.
LIMIT: Final = 200


def echoed(text: object, limit: int = LIMIT) -> str:
    """`text` cut to `limit` characters, the last of which then is an ellipsis."""
    shown = str(text)
    return shown if len(shown) <= limit else f"{shown[: limit - 1]}…"
