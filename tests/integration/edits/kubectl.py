"""The genuine kubectl, for what only it does: migrating between its two kinds of apply, pruning, replacing."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.deployed import program


async def kubectl(kubeconfig: Path, *arguments: str, body: Mapping[str, Any] | None = None) -> str:
    """What the command prints; `body` is its standard input. AssertionError if it fails."""
    command = [str(program("kubectl")), "--kubeconfig", str(kubeconfig), *arguments]
    text = None if body is None else json.dumps(body)
    done = await asyncio.to_thread(
        subprocess.run, command, input=text, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
