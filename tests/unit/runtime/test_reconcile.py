"""What a reconcile may answer."""

from __future__ import annotations

from controllers.kube.object import Object
from controllers.runtime.reconcile import Result, Terminal


def test_results() -> None:
    assert Result.done() == Result(after=None, idle=False)
    assert Result.recheck(after=3.5) == Result(after=3.5, idle=False)
    assert Result.when_idle(within=3.5) == Result(after=3.5, idle=True)


def test_a_terminal_state_names_its_reason_and_whom_it_is_about() -> None:
    about = Object(b'{"metadata":{"name":"a"}}')
    found = Terminal("NameTooLong", "a shorter name", regarding=about)
    assert (str(found), found.reason, found.message, found.regarding) == (
        "a shorter name",
        "NameTooLong",
        "a shorter name",
        about,
    )
    assert Terminal("R", "m").regarding is None
