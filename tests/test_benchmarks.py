"""What `make bench` promises, as far as it can be counted instead of timed."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import pytest
from aws_cdk import App
from aws_cdk.assertions import Template

from benchmarks import bills, templates
from benchmarks.apps import ecs_patterns, ecs_patterns_completed, ours, ours_shipped_plainly, tcp
from benchmarks.startup import messages

Synthesized = Mapping[str, Mapping[str, Any]]


@pytest.fixture(scope="module")
def two() -> Synthesized:
    """The template of two services, by app."""
    app = App()
    stacks = {"ours": ours.Services(app, "Ours", 2), "theirs": ecs_patterns.Services(app, "Theirs", 2)}
    return {name: Template.from_stack(stack).to_json() for name, stack in stacks.items()}


def resources_of(template: Mapping[str, Any], service: str) -> list[str]:
    """Return the types of what belongs to one service."""
    return [each["Type"] for name, each in template["Resources"].items() if service in name]


def test_a_service_adds_fewer_resources(two: Synthesized) -> None:
    """A further service takes fewer resources of a stack's 500 than one by aws_ecs_patterns, with the same features."""
    added = {name: len(resources_of(template, "Service1")) for name, template in two.items()}

    assert added == {"ours": 16, "theirs": 18}


def test_the_completed_peer_has_what_ours_have() -> None:
    """What it is measured for: a service's resources of ours are there by type, and what they are set to."""
    theirs = Template.from_stack(ecs_patterns_completed.Services(App(), "Completed", 1))
    alike = Template.from_stack(ours_shipped_plainly.Services(App(), "Ours", 1))
    types = [{each["Type"] for each in template.to_json()["Resources"].values()} for template in (alike, theirs)]

    # One load balancer each needs no rule.
    assert types[0] - types[1] == {"AWS::ElasticLoadBalancingV2::ListenerRule"}
    theirs.has_resource_properties(
        "AWS::ECS::Service",
        {
            "EnableExecuteCommand": True,
            "DeploymentConfiguration": {
                "Alarms": {"Enable": True, "Rollback": True},
                "DeploymentCircuitBreaker": {"Enable": True, "Rollback": True},
            },
        },
    )


def test_a_further_service_costs_as_many_messages_as_the_last() -> None:
    """Adding a service asks Node as often whether it is the third or the sixth: no search through the whole stack."""
    stack = ours.Services(App(), "Ours", 2)
    counts = {number: messages(partial(stack.add_service, f"More{number}")) for number in range(4)}

    assert len(set(counts.values())) == 1, counts


def test_a_deployment_takes_less_than_a_minute(two: Synthesized) -> None:
    """The checks and the drain of the templates take 40 s at most; the peer's 330 s."""
    assert {name: templates.checks_and_drain(template) for name, template in two.items()} == {
        "ours": 40,
        "theirs": 330,
    }


def test_a_deployment_behind_a_network_load_balancer() -> None:
    """Two checks and AWS's two minutes of drain take 140 s at most; the peer's 450 s. Both have the same addresses."""
    by_tcp = tcp.templates()
    counts = {name: bills.standing(template) for name, template in by_tcp.items()}

    assert {name: templates.checks_and_drain(template) for name, template in by_tcp.items()} == {
        "ours": 140,
        "ecs_patterns": 450,
    }
    assert {name: (each["load balancer"], each["public IPv4 address"]) for name, each in counts.items()} == {
        "ours": (1, 4),
        "ecs_patterns": (1, 4),
    }


def test_idle_resources_are_counted(two: Synthesized) -> None:
    """One load balancer serves all of ours; each has an address in two zones, as has each way out."""
    counts = {name: bills.standing(template) for name, template in two.items()}

    assert {name: (each["load balancer"], each["NAT gateway"]) for name, each in counts.items()} == {
        "ours": (1, 2),
        "theirs": (2, 2),
    }
    assert {name: each["public IPv4 address"] for name, each in counts.items()} == {"ours": 4, "theirs": 6}
    assert bills.hourly_usd_a_month(two["ours"]) == pytest.approx(16.425 + 2 * 32.85 + 4 * 3.65)


def test_what_is_billed_by_an_unknown_price_is_refused() -> None:
    """A resource type without a price is refused."""
    template = {"Resources": {"Data": {"Type": "AWS::RDS::DBInstance", "Properties": {}}}}

    with pytest.raises(ValueError, match="price of Data must be known, got a AWS::RDS::DBInstance"):
        bills.standing(template)
