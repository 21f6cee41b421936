"""The Python blocks in the docstrings of public names run as they are."""

import importlib
import re
from collections.abc import Callable
from functools import cache
from typing import Any

import aws_cdk
import pytest
from aws_cdk import App, Stack, aws_cloudwatch_actions, aws_sns_subscriptions
from aws_cdk import aws_aps as aps
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_cognito as cognito
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sns as sns

import fargate_constructs
import fargate_constructs.caveats
import fargate_constructs.testing
from tools.site.public_api import Entry, public_api

NEEDS_FILES = {"adopt"}  # tests/adoption has it
ELLIPSIS = re.compile(r",? \.\.\.\)")  # "and so on" in a call
# What the examples use without making it.
MAKERS: dict[str, Callable[["Names"], object]] = {
    "admin": lambda names: names.service("Admin"),
    "agent": lambda names: names["image"],
    "api": lambda names: names.service("GivenApi"),
    "api_key": lambda names: secretsmanager.Secret(names["stack"], "ApiKey"),
    "app": lambda _: App(),
    "archive": lambda names: fargate_constructs.LogArchive(names["stack"], "GivenArchive"),
    "bill": lambda names: names.job("Bill"),
    "bucket": lambda names: s3.Bucket(names["stack"], "Bucket"),
    "cache_group": lambda names: ec2.SecurityGroup(names["stack"], "Cache", vpc=names["vpc"]),
    "certificate": lambda names: acm.Certificate(names["stack"], "Certificate", domain_name="a.example.com"),
    "client": lambda names: names["users"].add_client("Client", generate_secret=True),
    "database": lambda names: ec2.Connections(default_port=ec2.Port.tcp(5432), security_groups=[names["cache_group"]]),
    "dns": lambda names: names.service("GivenDns"),
    "domain": lambda names: names["users"].add_domain(
        "Domain", cognito_domain=cognito.CognitoDomainOptions(domain_prefix="shop")
    ),
    "endpoint": lambda names: names.endpoint(),
    "image": lambda _: ecs.ContainerImage.from_registry("public.ecr.aws/nginx/nginx:stable"),
    "mqtt": lambda names: names.service("GivenMqtt"),
    "network": lambda names: fargate_constructs.FixedEgressNetwork(names["stack"], "GivenNetwork"),
    "pool": lambda names: fargate_constructs.ElasticIpPool(names["stack"], "Addresses"),
    "redis": lambda names: names["image"],
    "report": lambda names: names.job("GivenReport"),
    "role": lambda names: iam.Role(names["stack"], "Role", assumed_by=iam.AccountRootPrincipal()),
    "rule": lambda names: events.Rule(names["stack"], "Rule", event_pattern=events.EventPattern(source=["shop"])),
    "service": lambda names: names.service("Service"),
    "subnet": lambda names: names["vpc"].private_subnets[0],
    "smtp": lambda names: names.service("GivenSmtp"),
    "stack": lambda names: Stack(names["app"], "Stack"),
    "stage": lambda _: "preview",
    "tools": lambda names: names["image"],
    "topic": lambda names: sns.Topic(names["stack"], "Topic"),
    "users": lambda names: cognito.UserPool(names["stack"], "Users"),
    "vpc": lambda names: names["network"].vpc,
    "web": lambda names: names.service("GivenWeb"),
    "worker": lambda names: names.service("GivenWorker"),
    "workspace": lambda names: aps.CfnWorkspace(names["stack"], "Workspace"),
    "zone": lambda names: route53.PublicHostedZone(names["stack"], "Zone", zone_name="example.com"),
}


class Names(dict[str, Any]):
    """The names of an example: made when it uses them first, or of this library or CDK."""

    def __missing__(self, name: str) -> object:
        """Make what the example does not make itself."""
        if name in MAKERS:
            self[name] = MAKERS[name](self)
            return self[name]
        aliases = public_api().cdk_modules | {
            "subscriptions": aws_sns_subscriptions.__name__,
            "actions": aws_cloudwatch_actions.__name__,
        }
        if name in aliases:
            return importlib.import_module(aliases[name])
        for module in (fargate_constructs, fargate_constructs.testing, fargate_constructs.caveats, aws_cdk):
            if hasattr(module, name):
                return getattr(module, name)
        raise KeyError(name)

    def service(self, id: str) -> fargate_constructs.FargateService:  # noqa: A002 - as in CDK
        """Make a service."""
        return fargate_constructs.FargateService(self["stack"], id, network=self["network"], image=self["image"])

    def endpoint(self) -> fargate_constructs.HttpEndpoint:
        """Make an endpoint with a route."""
        endpoint = fargate_constructs.HttpEndpoint(
            self["stack"], "GivenEndpoint", network=self["network"], certificate=self["certificate"]
        )
        endpoint.add_route("Default", service=self["web"])
        return endpoint

    def job(self, id: str) -> fargate_constructs.Job:  # noqa: A002 - as in CDK
        """Make a job."""
        return fargate_constructs.Job(self["stack"], id, network=self["network"], image=self["image"])


@cache
def examples() -> dict[str, tuple[Entry, str]]:
    """Return each example with what it is of, by the full path: what several classes inherit is there once."""
    return {
        f"{entry.path.removeprefix('fargate_constructs.')}-{number}": (each, block)
        for each in public_api().entries
        for entry in (each, *each.members)
        for number, block in enumerate(re.findall(r"```python\n(.*?)```", entry.text, re.DOTALL))
        if entry.name not in NEEDS_FILES
    }


@pytest.mark.long
def test_the_examples_run(subtests: pytest.Subtests) -> None:
    """Without a synthesis; the guides' programs have one."""
    for name, (owner, block) in examples().items():
        with subtests.test(name):
            module, _, class_ = owner.path.rpartition(".")
            names = Names({class_: getattr(importlib.import_module(module), class_)})
            program = ELLIPSIS.sub(", network=network, image=image)", block)

            exec(compile(program, name, "exec"), {}, names)  # noqa: S102 - the project's own code


def test_there_are_examples() -> None:
    """Of classes, methods and functions."""
    assert len(examples()) > 40
    assert any(".FargateTask.add_sidecar-" in each for each in examples())
    assert any(".assert_fixed_egress-" in each for each in examples())
