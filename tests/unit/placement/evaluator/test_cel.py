"""CEL selectors: what OCM's documentation shows, and how failures count."""

from __future__ import annotations

import msgspec
import pytest

from controllers.api.cluster import ManagedCluster
from placement.evaluator.cel import COMPILERS, CelError, selecting
from tests.unit.placement.evaluator.build import Evaluated, scores

SKUS = '{"H100":[{"Standard_NC48ads_H100_v4":10},{"Standard_NC96ads_H100_v4":2}],"A100":[]}'
CLUSTER: ManagedCluster = msgspec.convert(
    {
        "metadata": {
            "name": "c1",
            "labels": {"version": "1.14.3", "env": "prod"},
            "annotations": {"note": "x"},
        },
        "spec": {"hubAcceptsClient": True},
        "status": {
            "version": {"kubernetes": "v1.31.2"},
            "allocatable": {"cpu": "3500m", "memory": "8Gi"},
            "clusterClaims": [{"name": "version", "value": "1.14.3"}, {"name": "skus", "value": SKUS}],
        },
    },
    ManagedCluster,
)
SCORES = {("c1", "usage"): scores("usage", "c1", cpu=3, memory=40)}


def holds(text: str) -> bool:
    return Evaluated(SCORES).of(text, CLUSTER).holds


@pytest.mark.parametrize(
    "text",
    [
        "true",
        "managedCluster.metadata.name == 'c1'",
        "managedCluster.spec.hubAcceptsClient",
        r"""managedCluster.metadata.labels["version"].matches('^1\\.(14|15)\\.\\d+$')""",
        "managedCluster.metadata.labels['env'] in ['prod', 'stage']",
        "managedCluster.metadata.annotations.note.upperAscii() == 'X'",
        'managedCluster.status.clusterClaims.exists(c, c.name == "version" && c.value.startsWith("1.14."))',
        (
            "managedCluster.status.clusterClaims.exists(c, c.name == 'skus' "
            "&& c.value.parseJSON().H100.exists(e, has(e.Standard_NC96ads_H100_v4) && e.Standard_NC96ads_H100_v4 == 2))"
        ),
        "managedCluster.scores('usage').filter(s, s.name == 'cpu').all(e, e.value == 3)",
        'managedCluster.scores("usage").exists(s, s.name == "memory" && s.value > 30)',
        "semver(managedCluster.metadata.labels['version']).isGreaterThan(semver('1.9.0'))",
        "semver(managedCluster.status.version.kubernetes, true).major() == 1",
        "semver('1.0.0-rc.2').isLessThan(semver('1.0.0')) && semver('1.0.0-2').compareTo(semver('1.0.0-10')) == -1",
        "isSemver('1.2.3') && !isSemver('v1.2') && isSemver('v1.2', true)",
        "quantity(managedCluster.status.allocatable.memory).isGreaterThan(quantity('4Gi'))",
        "quantity(managedCluster.status.allocatable.cpu).asApproximateFloat() == 3.5",
        "quantity('1Gi').add(quantity('1Gi')).compareTo(quantity('2Gi')) == 0 && quantity('-1').sign() == -1",
        "isQuantity('10Mi') && !isQuantity('ten')",
    ],
)
def test_true(text: str) -> None:
    assert holds(text)


@pytest.mark.parametrize(
    "text",
    [
        "false",
        "managedCluster.metadata.name == 'other'",
        "managedCluster.metadata.labels['missing'] == 'x'",  # fails: no such key
        "managedCluster.scores('missing').exists(s, true)",
        "'a text'",
        "quantity('ten').sign() == 1",
        "semver('one').major() == 1",
        "'no json'.parseJSON().x == 1",
    ],
)
def test_not_true(text: str) -> None:
    assert not holds(text)


@pytest.mark.parametrize(
    "text", ["managedCluster.", "cluster.metadata", "1 +", "ip('1.1.1.1')", "x.matchesss('a')"]
)
def test_what_does_not_compile_is_said_in_one_line(text: str) -> None:
    with pytest.raises(CelError) as raised:
        COMPILERS["selector"](text)
    assert str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a.scores('x')", "a[\"argosy.io/scores\"]['x']"),
        ("a . scores( f(b) ) + c", 'a ["argosy.io/scores"][ f(b) ] + c'),
        ("a.scores(b.scores('y'))", 'a["argosy.io/scores"][b["argosy.io/scores"][\'y\']]'),
        ("'a.scores(1)' + scores(1)", "'a.scores(1)' + scores(1)"),
    ],
)
def test_scores_are_selected_and_not_called(text: str, expected: str) -> None:
    assert selecting(text) == expected
