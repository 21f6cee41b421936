"""What must never be replaced of the example, and of every other mode: kept in pinned.json, for people to read.

`python -m tests.pinned` writes it again. Each line that changes or disappears is a resource that CloudFormation would
replace or delete in a deployed stack.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any, cast

from aws_cdk import App, Stack, Stage
from aws_cdk import aws_ec2 as ec2

from app import Example
from fargate_constructs import Egress
from fargate_constructs.synthesized.comparable_template import CREATE_ONLY_KEY
from fargate_constructs.testing import lasting_resources
from tests.everything import Everything, Mail, WayOut
from tests.modes.endpoint import ports
from tests.property_lines import text_of

PINNED = Path(__file__).with_suffix(".json")
WITH_TLS = {"domain_name": "shop.example.com", "hosted_zone_id": "Z0123456789ABCDEFGHIJ"}


@cache
def example(*, tls: bool = False) -> Example:
    """Return the example in an app of its own; not to be changed."""
    return Example(App(context=WITH_TLS if tls else {}), "Example")


@cache
def stacks() -> dict[str, Stack]:
    """Return what is pinned: the example without and with TLS, then the parts in their other modes."""
    app = App()
    ports(stage := Stage(app, "Ports"))
    return {
        "Example": example(),
        "Example with TLS": example(tls=True),
        "Everything": Everything(app, "Everything"),
        "Regional gateway": WayOut(app, "Regional", Egress.regional()),
        "Mail": Mail(app, "Mail"),
        "NAT instances": WayOut(app, "Instances", Egress.nat_instance()),
        "IPv6": WayOut(app, "DualStack", Egress.per_az(), ec2.IpProtocol.DUAL_STACK),
        "Ports": cast("Stack", stage.node.find_child("Services")),
    }


def write() -> None:
    """Pin what is there now, and what was looked at; of the example with TLS, what the one without has not."""
    pins = {name: lasting_resources(stack) for name, stack in stacks().items()}
    seen = {type_: names for pin in pins.values() for type_, names in pin["Metadata"][CREATE_ONLY_KEY].items()}
    pinned = {name: pin["Resources"] for name, pin in pins.items()}
    plain, secure = pinned["Example"], pinned["Example with TLS"]
    pinned["Example with TLS"] = {key: each for key, each in secure.items() if each != plain.get(key)}
    PINNED.write_text(text_of({CREATE_ONLY_KEY: dict(sorted(seen.items())), **pinned}) + "\n")


def read() -> dict[str, dict[str, Any]]:
    """Return what is pinned, by stack."""
    pinned: dict[str, dict[str, Any]] = json.loads(PINNED.read_text())
    metadata = {CREATE_ONLY_KEY: pinned.pop(CREATE_ONLY_KEY)}
    pinned["Example with TLS"] = pinned["Example"] | pinned["Example with TLS"]
    return {name: {"Metadata": metadata, "Resources": resources} for name, resources in pinned.items()}


if __name__ == "__main__":
    write()
