"""Where tests get their clusters from. TEST_CLUSTERS chooses: local (default), containers, k3s."""

from __future__ import annotations

import os

from hack.fleet.local import LocalProvider
from hack.fleet.provider import Provider


def provider() -> Provider:
    """The provider that TEST_CLUSTERS names. Raises ValueError for another name."""
    name = os.environ.get("TEST_CLUSTERS", "local")
    if name == "local":
        return LocalProvider()
    raise ValueError(f"TEST_CLUSTERS={name}: choose local, containers or k3s")
