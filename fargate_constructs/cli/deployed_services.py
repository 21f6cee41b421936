"""Finds deployed ECS services by their names in the app.

cdk.out, or CloudFormation in a region ──> stacks ──> ECS services, named by construct path
ECS ──> services of no stack, named CLUSTER/SERVICE
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from fargate_constructs.synthesized.stored_templates import STACK_TYPE, read_app, written_paths
from fargate_constructs.synthesized.template_text import parse_template

if TYPE_CHECKING:
    from boto3 import Session

SERVICE_TYPE = "AWS::ECS::Service"
# The last IDs of a construct path that name no construct of the app: those of an L1 in its L2, and of the L2 in ours.
INNER_IDS = ("/Service", "/Resource")
# So many stacks take longer than a person waits without a word.
MANY = 50
# What a message lists at most.
MAX_LISTED = 20


class DeployedService(NamedTuple):
    """An ECS service that is deployed."""

    name: str
    """Its construct path, such as `Shop/Web`; its stack and logical ID if CDK wrote no paths; or CLUSTER/SERVICE."""
    cluster: str
    service: str
    region: str
    stack: str = ""
    """Its stack; empty if it is in none."""
    logical_id: str = ""

    def fits(self, name: str) -> bool:
        """Whether a name may mean this service: its path, a path above it, the end of its path, or CLUSTER/SERVICE."""
        path = f"/{self.name}/"
        return f"{self.cluster}/{self.service}" == name or path.startswith(f"/{name}/") or path.endswith(f"/{name}/")


def find_service(session: Session, name: str, app: Path | None, region: str | None) -> DeployedService:
    """Return the service with a name.

    Args:
        session: The credentials, and the region if there is no other.
        name: Its construct path, a part of it that fits no other service, or CLUSTER/SERVICE.
        app: The folder of CDK whose stacks are searched. By default all stacks of the region are.
        region: The region. By default that of each stack in the app, or that of the session.

    Raises:
        ValueError: If there is none, or more than one.
    """
    known: dict[tuple[str, str, str], DeployedService] = {}
    for candidates in _searches(session, name, app, region):
        for each in candidates:
            known.setdefault((each.region, each.cluster, each.service), each)
        services = known.values()
        found = [each for each in services if each.name == name] or [each for each in services if each.fits(name)]
        if len(found) == 1:
            return found[0]
        if found:
            raise ValueError(f"{name} must fit one service, got {len(found)}: {_listed(found)}; write more of the path")
    place = f"region {_region(session, region)} of the account {_account(session)}"
    if not known:
        raise ValueError(f"{place} has no ECS service; correct --profile or --region")
    raise ValueError(f"the service must be one of those in {place}: {_listed(known.values())}, got: {name}")


def _searches(session: Session, name: str, app: Path | None, region: str | None) -> Iterator[Iterable[DeployedService]]:
    """Yield the services of one place after the other, the likeliest first."""
    if app:
        yield _services_in_app(session, app, region)
    here = _region(session, region)
    client = session.client("cloudformation", region_name=here)
    pages = client.get_paginator("describe_stacks").paginate()
    # A nested stack is read with the stack around it.
    stacks = [each["StackName"] for page in pages for each in page["Stacks"] if "ParentId" not in each]
    # CDK names the stack at the path `Prod/Shop` Prod-Shop.
    ids = name.split("/")
    likely = {"-".join(ids[: count + 1]) for count in range(len(ids))}
    if len(stacks) > MANY:
        click.echo(f"reads the {len(stacks)} stacks of {here}; `cdk synth` before, or --app, makes it faster", err=True)
    for group in ([each for each in stacks if each in likely], [each for each in stacks if each not in likely]):
        yield [service for stack in group for service in _services_in_stack(client, stack, here)]
    yield _services_in_ecs(session, here)


def _services_in_app(session: Session, app: Path, region: str | None) -> Iterator[DeployedService]:
    for stack in read_app(app, all_stacks=True):
        here = region or stack.region or _region(session, None)
        client = session.client("cloudformation", region_name=here)
        yield from _services_in_stack(client, stack.name, here)


def _services_in_stack(client: Any, stack: str, region: str) -> Iterator[DeployedService]:  # noqa: ANN401 - of boto3
    """Yield the services of a stack, and of those nested in it; none if the stack is not deployed."""
    try:
        pages = [*client.get_paginator("list_stack_resources").paginate(StackName=stack)]
    except client.exceptions.ClientError as error:
        if "does not exist" in str(error):
            return
        raise
    resources = [each for page in pages for each in page["StackResourceSummaries"] if each.get("PhysicalResourceId")]
    services = [each for each in resources if each["ResourceType"] == SERVICE_TYPE]
    paths = _paths(client, stack) if services else {}
    for each in services:
        logical_id = each["LogicalResourceId"]
        *_, cluster, service = each["PhysicalResourceId"].split("/")
        title = stack.rpartition(":stack/")[2].partition("/")[0]
        yield DeployedService(
            _short(paths.get(logical_id, "")) or f"{title}/{logical_id}", cluster, service, region, stack, logical_id
        )
    for each in resources:
        if each["ResourceType"] == STACK_TYPE and each["ResourceStatus"] != "DELETE_COMPLETE":
            yield from _services_in_stack(client, each["PhysicalResourceId"], region)


def _paths(client: Any, stack: str) -> dict[str, str]:  # noqa: ANN401 - of boto3
    """Return the construct path of each logical ID in the template of a stack."""
    body = client.get_template(StackName=stack, TemplateStage="Processed")["TemplateBody"]
    # boto3 parses JSON, and returns YAML as a text.
    return written_paths(parse_template(body, f"the template of {stack}") if isinstance(body, str) else body)


def _short(path: str) -> str:
    """Return the path of the construct that a person named."""
    for _ in INNER_IDS:
        for inner in INNER_IDS:
            path = path.removesuffix(inner) if path.count("/") > 1 else path
    return path


def _services_in_ecs(session: Session, region: str) -> Iterator[DeployedService]:
    client: Any = session.client("ecs", region_name=region)
    for clusters in client.get_paginator("list_clusters").paginate():
        for cluster in clusters["clusterArns"]:
            for page in client.get_paginator("list_services").paginate(cluster=cluster):
                for arn in page["serviceArns"]:
                    name = cluster.rpartition("/")[2]
                    service = arn.rpartition("/")[2]
                    yield DeployedService(f"{name}/{service}", name, service, region)


def _region(session: Session, region: str | None) -> str:
    here = region or session.region_name
    if not here:
        raise ValueError("AWS needs a region, got none; write --region, or set AWS_REGION")
    return here


def _account(session: Session) -> str:
    client: Any = session.client("sts", region_name=session.region_name or "us-east-1")
    account: str = client.get_caller_identity()["Account"]
    return account


def _listed(services: Iterable[DeployedService]) -> str:
    names = sorted({each.name for each in services})
    more = f" and {len(names) - MAX_LISTED} more" if len(names) > MAX_LISTED else ""
    return ", ".join(names[:MAX_LISTED]) + more
