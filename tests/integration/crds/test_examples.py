"""Every file of examples/ is accepted by a hub, each field of it known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from controllers.api import kinds
from controllers.api.kinds import Kind
from controllers.kube.client import Client

EXAMPLES = Path(__file__).parents[3] / "examples"
KINDS = {item.kind: item for item in vars(kinds).values() if isinstance(item, Kind)}


def bodies() -> list[Any]:
    """Each object of each file, named after the file."""
    return [
        pytest.param(body, id=path.name)
        for path in sorted(EXAMPLES.glob("*.yaml"))
        for body in yaml.safe_load_all(path.read_text())
    ]


@pytest.mark.parametrize("body", bodies())
async def test_an_example_is_accepted(client: Client, body: dict[str, Any]) -> None:
    kind = KINDS[body["kind"]]
    assert body["apiVersion"] == kind.api_version
    query = (("dryRun", "All"), ("fieldValidation", "Strict"))
    collection = kind.path(body["metadata"].get("namespace", ""))
    answer = await client.request("POST", collection, body=msgspec.json.encode(body), query=query)
    assert msgspec.json.decode(answer)["spec"] == body["spec"], "the schema dropped or changed something"
