"""Finds deployed jobs by their names in the app, and how something starts their tasks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from fargate_constructs.cli.aws import Answer
from fargate_constructs.cli.deployed.deployed_resources import (
    DeployedStack,
    fits,
    listed,
    only,
    place_of,
    region_of,
    searches,
)
from fargate_constructs.cli.deployed.deployed_services import (
    SERVICE_TYPE,
    DeployedService,
    services_in,
    services_in_ecs,
)
from fargate_constructs.cli.deployed.egress_addresses import read_vpcs
from fargate_constructs.cli.tasks.task_launch import Launch

if TYPE_CHECKING:
    from boto3 import Session

DEFINITION_TYPE = "AWS::ECS::TaskDefinition"
INNER_IDS = ("/Resource", "/TaskDefinition")
RULE_TYPE, SCHEDULE_TYPE = "AWS::Events::Rule", "AWS::Scheduler::Schedule"
MACHINE_TYPE, FUNCTION_TYPE = "AWS::StepFunctions::StateMachine", "AWS::Lambda::Function"
LAUNCHERS = (SCHEDULE_TYPE, MACHINE_TYPE, RULE_TYPE, FUNCTION_TYPE)


class DeployedJob(NamedTuple):
    """A task definition that no service of its stack has."""

    name: str
    """Its construct path, such as `Shop/Report`; its stack and logical ID if CDK wrote no paths."""
    task_definition: str
    """The ARN of the deployed revision."""
    stack: DeployedStack

    @property
    def region(self) -> str:
        """Its region."""
        return self.stack.region

    def fits(self, name: str) -> bool:
        """Whether a name may mean this job."""
        return fits(self.name, name)

    def has(self, logical_id: str) -> bool:
        """Whether a resource of the stack belongs to the job's construct."""
        return self.stack.paths.get(logical_id, "").startswith(f"{self.name}/")


def find_service_or_job(
    session: Session, name: str, app: Path | None = None, region: str | None = None
) -> DeployedService | DeployedJob:
    """Return the service or the job with a name: a construct path, a part of it, or CLUSTER/SERVICE.

    The other arguments are those of `searches`.
    """
    known: dict[str, DeployedService | DeployedJob] = {}
    for stacks in searches(session, name, app, region):
        for stack in stacks:
            known |= {each.name: each for each in services_in(stack)} | {each.name: each for each in jobs_in(stack)}
        if found := only([each for each in known.values() if each.fits(name)], name, "service or job"):
            return found
    others = {each.name: each for each in services_in_ecs(session, region_of(session, region))}
    if service := only([each for each in others.values() if each.fits(name)], name, "service"):
        return service
    place = place_of(session, region)
    if not (known or others):
        raise ValueError(f"{place} has no ECS service or job; correct --profile or --region")
    raise ValueError(f"the service or job must be one of those in {place}: {listed(known or others)}, got: {name}")


def jobs_in(stack: DeployedStack) -> Iterator[DeployedJob]:
    """Yield the task definitions of a stack that no service of it has."""
    services = [stack.properties(service.logical_id) for service in stack.of_type(SERVICE_TYPE)]
    for each in stack.of_type(DEFINITION_TYPE):
        if {"Ref": each.logical_id} not in [service.get("TaskDefinition") for service in services]:
            yield DeployedJob(stack.name_of(each.logical_id, *INNER_IDS), each.physical_id, stack)


def launch_of(job: DeployedJob) -> Launch:
    """Return how a job's tasks start: as a resource of its stack does it, or by its own security group."""
    for cluster, settings in _launchers(job):
        if settings.get("networkConfiguration"):  # a task on Fargate needs it
            return Launch.of(cluster, job.task_definition, settings)
    return _launch_by_security_group(job)


def _launchers(job: DeployedJob) -> Iterator[tuple[str, Answer]]:
    """Yield the clusters and settings with which resources of the stack start the job, its own ones first."""
    family = family_of(job.task_definition)
    found = job.stack.of_type(*LAUNCHERS)
    for each in sorted(found, key=lambda each: (not job.has(each.logical_id), LAUNCHERS.index(each.type))):
        match each.type:
            case "AWS::Lambda::Function" if job.has(each.logical_id):
                yield from _settings_of_function(job, each.physical_id)
            case "AWS::Scheduler::Schedule":
                group = job.stack.properties(each.logical_id).get("GroupName", "default")
                if isinstance(group, str):
                    answer = job.stack.client("scheduler").get_schedule(Name=each.physical_id, GroupName=group)
                    yield from _settings_of_targets([answer["Target"]], family)
            case "AWS::Events::Rule":
                bus, _, rule = each.physical_id.rpartition("|")  # one of the default bus has its name only
                of_bus = {"EventBusName": bus} if bus else {}
                answer = job.stack.client("events").list_targets_by_rule(Rule=rule, **of_bus)
                yield from _settings_of_targets(answer.get("Targets", []), family)
            case "AWS::StepFunctions::StateMachine":
                machine = job.stack.client("stepfunctions").describe_state_machine(stateMachineArn=each.physical_id)
                yield from _settings_of_states(json.loads(machine["definition"]), family)


def _settings_of_function(job: DeployedJob, name: str) -> Iterator[tuple[str, Answer]]:
    """Yield the request that the function of a run before deployments makes."""
    answer = job.stack.client("lambda").get_function_configuration(FunctionName=name)
    if request := answer.get("Environment", {}).get("Variables", {}).get("REQUEST"):
        settings = json.loads(request)
        yield settings["cluster"], settings


def _settings_of_targets(targets: list[Answer], family: str) -> Iterator[tuple[str, Answer]]:
    for target in targets:
        settings = target.get("EcsParameters", {})
        if family_of(settings.get("TaskDefinitionArn", "")) == family:
            yield target["Arn"], _camel(settings)


def _settings_of_states(state: Any, family: str) -> Iterator[tuple[str, Answer]]:  # noqa: ANN401 - JSON
    """Yield the arguments of each state that starts the job, also in a parallel state or a map."""
    if isinstance(state, dict):
        definition = state.get("TaskDefinition")
        if isinstance(definition, str) and family_of(definition) == family and "Cluster" in state:
            yield state["Cluster"], _camel(state)
    for each in state.values() if isinstance(state, dict) else state if isinstance(state, list) else ():
        yield from _settings_of_states(each, family)


def _launch_by_security_group(job: DeployedJob) -> Launch:
    """Return the launch of a job that only people or programs start: its group says the VPC, not the subnets."""
    groups = [each.physical_id for each in job.stack.of_type("AWS::EC2::SecurityGroup") if job.has(each.logical_id)]
    clusters = job.stack.of_type("AWS::ECS::Cluster")
    own = [each for each in clusters if job.has(each.logical_id)] or clusters
    if not groups or len(own) != 1:
        raise ValueError(
            f"the stack {job.stack.title} must have a schedule, a rule or a state machine that starts {job.name}, got "
            "none; name a service whose cluster and network the task gets, such as --like Shop/Web"
        )
    ec2 = job.stack.client("ec2")
    vpc = ec2.describe_security_groups(GroupIds=groups)["SecurityGroups"][0]["VpcId"]
    subnets = _private_subnets(ec2, vpc)
    click.echo(f"the stack does not say in which subnets {job.name} runs; takes {', '.join(subnets)}", err=True)
    network = {"subnets": subnets, "securityGroups": groups, "assignPublicIp": "DISABLED"}
    return Launch.of(
        own[0].physical_id, job.task_definition, {"networkConfiguration": {"awsvpcConfiguration": network}}
    )


def _private_subnets(ec2: Any, vpc: str) -> list[str]:  # noqa: ANN401 - of boto3
    """Return the private subnets of a VPC that have egress; those without it if there are no others."""
    facts = read_vpcs(ec2, [vpc])
    kinds = {subnet: {each.kind for each in facts.departures(subnet)} for subnet in facts.subnets}
    private = sorted(subnet for subnet in kinds if "internet gateway" not in kinds[subnet])
    if not private:
        raise ValueError(f"the VPC {vpc} must have private subnets for the task, got none; write --like SERVICE")
    return [subnet for subnet in private if any(kinds[subnet])] or private


def family_of(task_definition: str) -> str:
    """Return the family of a task definition, given as family, with a revision, or as ARN."""
    return task_definition.rpartition("/")[2].partition(":")[0]


def _camel(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Return settings with the names of ECS's own API: those of other services begin with a capital letter."""
    if isinstance(value, dict):
        return {f"{key[0].lower()}{key[1:]}": _camel(each) for key, each in value.items()}
    return [_camel(each) for each in value] if isinstance(value, list) else value
