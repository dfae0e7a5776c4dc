"""What all our processes have on their command line."""

from __future__ import annotations

import argparse

import pytest

from controllers.runtime.process import (
    add_process_arguments,
    add_shards_argument,
    identity,
    parse_listen,
    parse_shards,
)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:8080", ("127.0.0.1", 8080)),
        (":8080", ("0.0.0.0", 8080)),
        ("localhost:0", ("localhost", 0)),
        ("[::1]:8080", ("::1", 8080)),
        ("none", None),
    ],
)
def test_an_address_is_read(text: str, address: tuple[str, int] | None) -> None:
    assert parse_listen(text) == address


@pytest.mark.parametrize("text", ["", "8080", "host", "host:", "host:http", "host:70000", "host:-1"])
def test_what_is_no_address_is_refused_with_the_forms_that_are(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="HOST:PORT, :PORT or none"):
        parse_listen(text)


@pytest.mark.parametrize("text", ["", "0", "-1", "2.5", "many", "257"])
def test_a_number_of_shards_that_cannot_be_is_refused_with_those_that_can(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="number from 1 to 256"):
        parse_shards(text)


def test_one_shard_is_the_default() -> None:
    parser = argparse.ArgumentParser()
    add_shards_argument(parser)
    assert parser.parse_args([]).shards == 1
    assert parser.parse_args(["--shards", "8"]).shards == 8


def test_each_start_of_a_process_has_an_identity_of_its_own() -> None:
    assert len({identity() for _ in range(100)}) == 100


def test_defaults_are_those_of_a_pod() -> None:
    parser = argparse.ArgumentParser()
    add_process_arguments(parser, listen=":8080")
    options = parser.parse_args([])
    assert options.listen == ("0.0.0.0", 8080)
    assert options.leader_elect is True
    assert (options.log_level, options.log_format, options.lease_namespace) == ("info", "auto", None)
