"""What a command says when it ends, and with which status."""

from __future__ import annotations

import pytest

from controllers.kube.configuration import ConfigError
from controllers.kube.errors import NotFound
from controllers.runtime.ending import exit_status


class Wrong(Exception):
    """Of the command that is tested."""


class Broken(Exception):
    """Of the command that is tested."""


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (None, 0, ""),
        (Broken("it broke"), 1, "error: it broke\n"),
        (NotFound("no such thing", status=404), 1, "error: the hub says: no such thing\n"),
        (ConfigError("no kubeconfig"), 2, "error: no kubeconfig\n"),
        (Wrong("that is no number"), 2, "error: that is no number\n"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_how_it_ends(
    error: BaseException | None, status: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def run() -> None:
        if error is not None:
            raise error

    assert exit_status(run, failures=(Broken,), wrong_use=(Wrong,), refusal="the hub says: ") == status
    assert capsys.readouterr() == ("", said)


def test_what_nobody_has_explained_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        exit_status(lambda: 1 / 0, failures=(Broken,))
