"""Checks what a task needs before it starts: its image, secrets, roles, log groups, and the egress of its subnets.

It reads no secret's value. Each text that it yields has its cause among those of this package.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from fargate_constructs.cli.aws import Answer, paged
from fargate_constructs.cli.deployed.cloudwatch_log_groups import describe_log_group
from fargate_constructs.cli.deployed.egress_addresses import ANYWHERE, ANYWHERE_IPV6, destination_of, routes_of
from fargate_constructs.cli.deployed.service_facts import Reader, ServiceFacts

ECR_IMAGE = re.compile(
    r"(?P<account>\d{12})\.dkr[.-]ecr\.(?P<region>[a-z0-9-]+)\.[\w.]+/"
    r"(?P<name>[^:@]+)(?::(?P<tag>[^@]+))?(?:@(?P<digest>sha256:\w+))?"
)
# What a task needs that reads from Amazon ECR without a route to the internet
# (https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html).
ECR_ENDPOINTS = ("ecr.api", "ecr.dkr", "s3")


def missing_requirements(reader: Reader, facts: ServiceFacts) -> Iterator[str]:
    """Yield what is missing for the next task of a service."""
    definition = facts.task_definition
    containers = definition.get("containerDefinitions", [])
    for image in sorted({each["image"] for each in containers}):
        yield from _missing_image(reader, image)
    for secret in sorted({*_secrets(containers)}):
        yield from _missing_secret(reader, secret)
    roles = [definition.get(key) for key in ("executionRoleArn", "taskRoleArn")]
    for role in sorted({each for each in roles if each}):
        yield from _unusable_role(reader, role)
    for group in sorted(_log_groups(containers, reader.found.region)):
        yield from _missing_log_group(reader, group)
    network = facts.service.get("networkConfiguration", {}).get("awsvpcConfiguration", {})
    with reader.noting("the egress of the subnets"):
        yield from _missing_egress(reader, network, [each["image"] for each in containers])


def _secrets(containers: list[Answer]) -> Iterator[str]:
    """Yield the secrets and parameters of containers, of their log drivers, and of their private registries."""
    for container in containers:
        logs = container.get("logConfiguration", {}).get("secretOptions", [])
        yield from (each["valueFrom"] for each in (*container.get("secrets", []), *logs))
        if "repositoryCredentials" in container:
            yield container["repositoryCredentials"]["credentialsParameter"]


def _missing_image(reader: Reader, image: str) -> Iterator[str]:
    found = ECR_IMAGE.fullmatch(image)
    if found is None:
        return  # another registry, whose images only its own clients can list
    ecr = reader.client("ecr")
    if found["region"] != reader.found.region:
        reader.gaps.append(f"the image {image}: it is in another region")
        return
    wanted = {"imageDigest": found["digest"]} if found["digest"] else {"imageTag": found["tag"] or "latest"}
    with reader.noting(f"the image {image}"):
        try:
            ecr.describe_images(registryId=found["account"], repositoryName=found["name"], imageIds=[wanted])
        except (ecr.exceptions.ImageNotFoundException, ecr.exceptions.RepositoryNotFoundException):
            key = "pullThroughCacheRules"
            rules = paged(ecr, "describe_pull_through_cache_rules", key, registryId=found["account"])
            prefixes = [each["ecrRepositoryPrefix"] for each in rules]
            # Amazon ECR gets such an image from another registry when it is pulled.
            if not any(each == "ROOT" or found["name"].startswith(f"{each}/") for each in prefixes):
                yield f"the image {image} is not in Amazon ECR"


def _missing_secret(reader: Reader, value_from: str) -> Iterator[str]:
    if value_from.startswith("arn:") and value_from.split(":")[3] != reader.found.region:
        reader.gaps.append(f"the secret {value_from}: it is in another region")
        return
    with reader.noting(f"the secret {value_from}"):
        if ":secretsmanager:" in value_from:
            client = reader.client("secretsmanager")
            arn = ":".join(value_from.split(":")[:7])  # after it come a JSON key, a stage and a version
            try:
                if "DeletedDate" in client.describe_secret(SecretId=arn):
                    yield f"the secret {arn} is scheduled for deletion"
            except client.exceptions.ResourceNotFoundException:
                yield f"the secret {arn} does not exist"
            return
        name = value_from.partition(":parameter")[2] or value_from
        # The ARN of the parameters `url` and `/url` is the same.
        names = [name, name.removeprefix("/")] if name.rfind("/") == 0 else [name]
        wanted = [{"Key": "Name", "Option": "Equals", "Values": names}]
        if not reader.client("ssm").describe_parameters(ParameterFilters=wanted)["Parameters"]:
            yield f"the parameter {name} does not exist"


def _unusable_role(reader: Reader, arn: str) -> Iterator[str]:
    iam = reader.client("iam")
    with reader.noting(f"the role {arn}"):
        try:
            policy = iam.get_role(RoleName=arn.rpartition("/")[2])["Role"]["AssumeRolePolicyDocument"]
        except iam.exceptions.NoSuchEntityException:
            yield f"the role {arn} does not exist"
            return
        if "ecs-tasks.amazonaws.com" not in json.dumps(policy):
            yield f"the role {arn} does not trust ecs-tasks.amazonaws.com"


def _log_groups(containers: list[Answer], region: str) -> set[str]:
    """Return the log groups of the region that must be there before a task starts."""
    logs = [each.get("logConfiguration", {}) for each in containers]
    return {
        each["options"]["awslogs-group"]
        for each in logs
        if each.get("logDriver") == "awslogs"
        and each["options"].get("awslogs-create-group") != "true"
        and each["options"].get("awslogs-region", region) == region
    }


def _missing_log_group(reader: Reader, name: str) -> Iterator[str]:
    with reader.noting(f"the log group {name}"):
        if not describe_log_group(reader.client("logs"), name):
            yield f"the log group {name} does not exist"


def _missing_egress(reader: Reader, network: Answer, images: list[str]) -> Iterator[str]:
    """Yield what keeps the tasks of each subnet from AWS and from the internet."""
    ec2, ids = reader.client("ec2"), network.get("subnets", [])
    # A filter, unlike IDs, is no error if one is gone.
    of_service = [{"Name": "subnet-id", "Values": ids}]
    subnets = [*paged(ec2, "describe_subnets", "Subnets", Filters=of_service)] if ids else []
    yield from (f"the subnet {each} does not exist" for each in sorted({*ids} - {each["SubnetId"] for each in subnets}))
    if not subnets:
        return
    of_vpc = [{"Name": "vpc-id", "Values": [subnets[0]["VpcId"]]}]
    tables = [*paged(ec2, "describe_route_tables", "RouteTables", Filters=of_vpc)]
    endpoints = paged(ec2, "describe_vpc_endpoints", "VpcEndpoints", Filters=of_vpc)
    services = {each["ServiceName"].partition(f"{reader.found.region}.")[2] for each in endpoints}
    for subnet in subnets:
        name = f"{subnet['SubnetId']} ({subnet['AvailabilityZone']})"
        if subnet["AvailableIpAddressCount"] == 0:
            yield f"the subnet {name} has no free address"
        routes = [each for each in routes_of(tables, subnet) if destination_of(each) in (ANYWHERE, ANYWHERE_IPV6)]
        lost = [each for each in routes if each.get("State") == "blackhole"]
        to_internet = any(each.get("GatewayId", "").startswith("igw-") for each in routes)
        if lost:
            yield f"the default route of the subnet {name} is a blackhole: its target is gone"
        elif not routes:
            lacks = [each for each in ECR_ENDPOINTS if each not in services]
            if lacks and any(map(ECR_IMAGE.fullmatch, images)):
                yield f"the subnet {name} has no default route, and its VPC has no endpoint for {', '.join(lacks)}"
            elif not all(map(ECR_IMAGE.fullmatch, images)):
                yield f"the subnet {name} has no default route, but an image is not in Amazon ECR"
        elif to_internet and network.get("assignPublicIp") != "ENABLED" and not subnet.get("Ipv6Native"):
            yield f"the subnet {name} is public, but its tasks have no public address"
