"""A Docker engine for the tests that need one."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from hack.fleet import containers_engine
from hack.fleet.containers_engine import Engine
from hack.fleet.errors import FleetError


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """The engine. A run that asks for containers fails without one; others go without these tests."""
    try:
        found = containers_engine.connect()
    except FleetError as error:
        if os.environ.get("TEST_CLUSTERS") == "containers":
            raise
        pytest.skip(str(error).splitlines()[0])
    yield found
    found.close()
