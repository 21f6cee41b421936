"""Arguments of the wrong kind, refused where they are given."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict, Unpack

import pytest
from aws_cdk import CfnParameter, Duration, Stack
from aws_cdk import aws_ecs as ecs

from fargate_constructs import Deployment, FargateService, FixedEgressNetwork
from fargate_constructs.arguments import checked


class More(TypedDict, total=False):
    """Arguments that a function hands on."""

    secrets: Mapping[str, ecs.Secret] | None
    anything: object


@checked
def deploy(
    stack: Stack,
    count: int = 1,
    *,
    names: Sequence[str] = (),
    header: tuple[str, str] | None = None,
    cluster: ecs.ICluster | None = None,
    wait: Duration | None = None,
    zones: tuple[str, ...] = (),
    force: bool = False,
    share: float = 1.0,
    **more: Unpack[More],
) -> str:
    """Return what it got."""
    return f"{stack.node.id} {count} {names} {header} {cluster} {wait} {zones} {force} {share} {more}"


@checked
@dataclass(frozen=True, kw_only=True)
class Limits:
    """A value object."""

    most: int


def test_what_fits_passes(stack: Stack) -> None:
    """As it was given, by position or by name."""
    number = CfnParameter(stack, "Number", type="Number")
    list_ = CfnParameter(stack, "List", type="CommaDelimitedList")

    assert deploy(stack) == "Test 1 () None None None () False 1.0 {}"
    assert deploy(stack, 2, names=["a"], header=("b", "c"), force=True, anything=deploy).startswith("Test 2 ['a'] ('b'")
    deploy(stack, share=1)
    deploy(stack, number.value_as_number, names=list_.value_as_list)  # type: ignore[arg-type]
    deploy(stack, cluster=ecs.Cluster.from_cluster_arn(stack, "C", "arn:aws:ecs:eu-west-1:123456789012:cluster/c"))
    assert Limits(most=1).most == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"count": "2"}, "count must be int, got: '2'"),
        ({"count": True}, "count must be int, got: True"),
        ({"names": "ab"}, "names must be a list of str, got: 'ab'; write names=['ab']"),
        ({"names": [1]}, "names must be a list of str, got: [1]"),
        ({"header": "ab"}, "header must be (str, str) or None, got: 'ab'"),
        ({"header": ("a", "b", "c")}, "header must be (str, str) or None, got: ('a', 'b', 'c')"),
        ({"cluster": "default"}, "cluster must be aws_ecs.ICluster or None, got: 'default'"),
        ({"wait": 30}, "wait must be aws_cdk.Duration or None, got: 30"),
        ({"wait": Duration.seconds}, "wait must be aws_cdk.Duration or None, got: <bound method Duration.seconds of"),
        ({"zones": ("a", 1)}, "zones must be (str, ...), got: ('a', 1)"),
        ({"share": True}, "share must be float, got: True"),
        ({"force": 1}, "force must be bool, got: 1"),
        ({"secrets": {"TOKEN": "x"}}, "secrets must be a dict of str to aws_ecs.Secret or None, got: a dict"),
        ({"name": ["a"]}, "deploy has no argument 'name'; did you mean 'names'?"),
        ({"xyz": 1}, "deploy has no argument 'xyz'; it has stack, count, names, header"),
    ],
    ids=range(15),
)
def test_what_does_not_fit_is_refused(stack: Stack, arguments: dict[str, Any], message: str) -> None:
    """With the name, what it may be, and what it got."""
    with pytest.raises(TypeError, match=re.escape(message)):
        deploy(stack, **arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"most": "3"}, "most must be int, got: '3'"),
        ({"moist": 3}, "Limits has no argument 'moist'; did you mean 'most'?"),
        ({}, "missing a required argument: 'most'"),
    ],
    ids=["type", "name", "nothing"],
)
def test_value_objects_take_part(arguments: dict[str, Any], message: str) -> None:
    """By their constructor."""
    with pytest.raises(TypeError, match=re.escape(message)):
        Limits(**arguments)


def test_the_constructs_take_part(stack: Stack, network: FixedEgressNetwork, image: ecs.ContainerImage) -> None:
    """What a service hands on to its task is checked by the service, and nothing is left in the tree."""
    with pytest.raises(TypeError, match="FargateService has no argument 'memory'; did you mean 'memory_limit_mib'"):
        FargateService(stack, "Web", network=network, image=image, memory=512)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match=r"deployment must be Deployment or None, got: <bound method .*; call it"):
        FargateService(stack, "Web", network=network, image=image, deployment=Deployment.canary)  # type: ignore[arg-type]

    assert stack.node.try_find_child("Web") is None
