"""The steps of a proof: each asks AWS about one promise, and returns what it measured.

A step raises `DisprovedError` if AWS did something else, and `NotShownError` if it lacks what it needs.
"""

from __future__ import annotations

import gzip
import ipaddress
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from fargate_constructs.cli.one_off_tasks import Launch, NotStartedError, Override, start_task
from fargate_constructs.cli.proof.outcomes import DisprovedError, NotShownError, Waiting
from fargate_constructs.cli.proof.request_watch import Get, RequestWatch, get, watching
from fargate_constructs.cli.proof.stack_operations import StackOperations
from fargate_constructs.cli.service_facts import DEPLOYMENTS_IN_ONE_CALL

Measured = dict[str, Any]
MINUTE = 60
DEPLOY_SECONDS, ENDPOINT_SECONDS, TASK_SECONDS = 30 * MINUTE, 5 * MINUTE, 5 * MINUTE
LOG_SECONDS, ARCHIVE_SECONDS, QUERY_SECONDS = 3 * MINUTE, 5 * MINUTE, 15 * MINUTE
UPDATE_SECONDS, ROLLBACK_SECONDS, REST_SECONDS = 30 * MINUTE, 45 * MINUTE, 5 * MINUTE
CREATED = "CREATE_COMPLETE"
# The first cluster of an account makes the role of ECS, which may not be ready then
# (https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/818).
NO_ROLE = "service linked role"
# AWS's own page that answers with the caller's address.
ADDRESS_URL = "https://checkip.amazonaws.com"
# What a load balancer and so `aws_ecs_patterns` do if no other value is set
# (https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html).
DEFAULT_CHECK_SECONDS, DEFAULT_DRAIN_SECONDS = 30, 300


@dataclass
class Proof:
    """What the steps work with."""

    operations: StackOperations
    assemblies: Path
    """The folder with a cloud assembly for each state of the app."""
    waiting: Waiting = field(default_factory=Waiting)
    get: Get = get
    profile: str = ""
    """The profile of the credentials; empty if it is not named."""

    @property
    def folder(self) -> Path:
        """The folder of the report."""
        return self.operations.state.folder

    @property
    def token(self) -> str:
        """What a log line of this proof has."""
        return self.operations.state.token

    def client(self, name: str) -> Any:  # noqa: ANN401 - of boto3
        """Return the client of a part of AWS."""
        return self.operations.client(name)

    @cached_property
    def outputs(self) -> Mapping[str, str]:
        """The outputs of the stack."""
        return self.operations.outputs()

    def output(self, name: str) -> str:
        """Return an output of the stack."""
        return self.outputs[name]

    def service(self) -> Mapping[str, Any]:
        """Return what ECS answers about the service."""
        found = self.client("ecs").describe_services(cluster=self.output("Cluster"), services=[self.output("Service")])
        service: Mapping[str, Any] = found["services"][0]
        return service

    def deploy(self, state: str, limit: float) -> str:
        """Deploy a state of the app; return the status of the stack."""
        return self.operations.deploy(self.assemblies / state, limit=limit)


def deploy(proof: Proof) -> Measured:
    """The stack is created."""
    status, measured = proof.deploy("first", DEPLOY_SECONDS), {}
    if status != CREATED and any(NO_ROLE in each for each in proof.operations.failures()):
        proof.operations.start_over(limit=DEPLOY_SECONDS)
        status, measured = proof.deploy("first", DEPLOY_SECONDS), {"attempts": 2}
    if status != CREATED:
        raise DisprovedError("; ".join([f"the stack is {status}", *proof.operations.failures()]))
    return {**measured, "resources": len(proof.operations.not_deleted())}


def reach_endpoint(proof: Proof) -> Measured:
    """A request through the load balancer is answered by a task; another one has the token of this proof."""
    url, errors = proof.output("EndpointUrl"), [""]

    def ask() -> tuple[int, str] | None:
        try:
            status, server = proof.get(f"{url}/")
        except OSError as error:
            errors.append(str(error))
            return None
        errors.append(f"status {status}")
        return (status, server) if status == HTTPStatus.OK else None

    try:
        status, server = proof.waiting.until(ask, limit=ENDPOINT_SECONDS, missing=f"{url} does not answer")
    except DisprovedError as error:
        raise DisprovedError(f"{error}: {errors[-1]}") from None
    # A page that does not exist. The web server logs the request.
    proof.get(f"{url}/{proof.token}")
    return {"status": status, "server": server}


def leave_from_elastic_ips(proof: Proof) -> Measured:
    """A task in each subnet sees itself from outside at one of the Elastic IPs, and all of them are used."""
    promised, service = proof.output("EgressIps").split(","), proof.service()
    subnets = service["networkConfiguration"]["awsvpcConfiguration"]["subnets"]
    seen = {subnet: _address_seen(proof, service, subnet) for subnet in subnets}
    if set(seen.values()) != set(promised):
        raise DisprovedError(f"the Elastic IPs are {', '.join(promised)}, and tasks leave from {seen}")
    return {"elastic_ips": promised, "seen": list(seen.values())}


def _address_seen(proof: Proof, service: Mapping[str, Any], subnet: str) -> str:
    """Start a task in a subnet that logs the address from which it is seen, with the token; return the address."""
    launch, container = Launch.of_service(service), proof.output("Container")
    network = launch.parameters["networkConfiguration"]["awsvpcConfiguration"]
    in_subnet = {**launch.parameters, "networkConfiguration": {"awsvpcConfiguration": {**network, "subnets": [subnet]}}}
    script = f"echo {proof.token} $(curl -fsS --max-time 30 {ADDRESS_URL})"
    try:
        task = start_task(
            proof.client("ecs"),
            launch._replace(parameters=in_subnet),
            Override(container, ["sh", "-c", script]),
            started_by=proof.token,
            clock=proof.waiting.now,
            sleep=proof.waiting.sleep,
        )
    except NotStartedError as error:
        raise DisprovedError(str(error)) from error
    ended = task.wait(timeout=TASK_SECONDS)
    if ended.is_over_time:
        raise DisprovedError(f"a task in {subnet} does not end after {TASK_SECONDS} s")
    if ended.exit_code != 0:
        raise DisprovedError(f"a task in {subnet} ended with {ended.exit_code}: {ended.reason}")
    messages = proof.waiting.until(
        lambda: _messages(proof, stream=f"/{task.id}"), limit=LOG_SECONDS, missing=f"task {task.id} logged no line"
    )
    word = messages[-1].split()[-1]
    try:
        return str(ipaddress.ip_address(word))
    except ValueError:
        raise DisprovedError(f"{ADDRESS_URL} gave no address, but: {messages[-1]}") from None


def _events(proof: Proof) -> Iterator[Mapping[str, Any]]:
    """Yield the events in the log group of the service that have the token."""
    since = int(datetime.fromisoformat(proof.operations.state.started).timestamp() * 1000)
    pages = proof.client("logs").get_paginator("filter_log_events")
    for page in pages.paginate(
        logGroupName=proof.output("LogGroup"), filterPattern=f'"{proof.token}"', startTime=since
    ):
        yield from page["events"]


def _messages(proof: Proof, *, stream: str) -> list[str] | None:
    return [each["message"].strip() for each in _events(proof) if each["logStreamName"].endswith(stream)] or None


def log_a_line(proof: Proof) -> Measured:
    """A line that a task wrote is in CloudWatch Logs."""
    event = proof.waiting.until(
        lambda: next(_events(proof), None),
        limit=LOG_SECONDS,
        missing=f"no line with {proof.token} is in {proof.output('LogGroup')}",
    )
    return {"lag_seconds": round((event["ingestionTime"] - event["timestamp"]) / 1000, 1)}


def archive_a_line(proof: Proof) -> Measured:
    """The line is in an object of S3."""
    bucket, group = proof.output("ArchiveBucket"), proof.output("LogGroup")
    measured: Measured = {}
    event = next(_events(proof), None)
    if event is None:  # what is below shows the archive, not the log driver; the report says so
        event = _write_line(proof, group)
        measured["line"] = "written by this command, because no task has logged one"
    at = datetime.fromtimestamp(event["timestamp"] / 1000, UTC)
    found = proof.waiting.until(
        lambda: _object_with(proof, bucket, group), limit=ARCHIVE_SECONDS, missing="the line is not in S3"
    )
    return {**measured, "key": found["Key"], "lag_seconds": round((found["LastModified"] - at).total_seconds())}


def _write_line(proof: Proof, group: str) -> Mapping[str, Any]:
    """Write a line into the log group."""
    client, stream = proof.client("logs"), f"prove/{proof.token}"
    event = {"timestamp": int(datetime.now(UTC).timestamp() * 1000), "message": f"{proof.token} by prove"}
    client.create_log_stream(logGroupName=group, logStreamName=stream)
    client.put_log_events(logGroupName=group, logStreamName=stream, logEvents=[event])
    return event


def _object_with(proof: Proof, bucket: str, group: str) -> Mapping[str, Any] | None:
    """Return the first object of the log group that has the token."""
    client = proof.client("s3")
    pages = client.get_paginator("list_objects_v2").paginate(
        Bucket=bucket, Prefix=f"log_group={quote(group, safe='')}/"
    )
    for each in (found for page in pages for found in page.get("Contents", [])):
        body = client.get_object(Bucket=bucket, Key=each["Key"])["Body"].read()
        if each["Key"].endswith(".gz") and proof.token.encode() in gzip.decompress(body):
            found: Mapping[str, Any] = each
            return found
    return None


def query_the_line(proof: Proof) -> Measured:
    """Athena finds the line. The catalog learns a new log group within five minutes."""
    group, today = proof.output("LogGroup"), datetime.now(UTC).date()
    days = ", ".join(f"'{today - timedelta(days=each)}'" for each in (1, 0))
    sql = (
        f"SELECT message FROM logs WHERE log_group = url_encode('{group}') AND dt IN ({days}) "  # noqa: S608 - our names
        f"AND message LIKE '%{proof.token}%'"
    )
    started = proof.waiting.now()
    scanned = proof.waiting.until(
        lambda: _rows(proof, sql), limit=QUERY_SECONDS, every=20, missing="Athena does not find the line"
    )
    return {"found_after_seconds": round(proof.waiting.now() - started), **scanned}


def _rows(proof: Proof, sql: str) -> Measured | None:
    """Run a query; return how many rows it found and bytes it read, or `None` if it found none."""
    client = proof.client("athena")
    query = client.start_query_execution(
        QueryString=sql,
        WorkGroup=proof.output("Workgroup"),
        QueryExecutionContext={"Database": proof.output("Database")},
    )["QueryExecutionId"]

    def ask() -> Mapping[str, Any] | None:
        execution: Mapping[str, Any] = client.get_query_execution(QueryExecutionId=query)["QueryExecution"]
        return None if execution["Status"]["State"] in ("QUEUED", "RUNNING") else execution

    execution = proof.waiting.until(ask, limit=QUERY_SECONDS, every=1, missing="the query has no end")
    if execution["Status"]["State"] != "SUCCEEDED":
        raise DisprovedError(f"the query failed: {execution['Status'].get('StateChangeReason', 'no reason')}")
    rows = client.get_query_results(QueryExecutionId=query)["ResultSet"]["Rows"][1:]
    scanned = execution.get("Statistics", {}).get("DataScannedInBytes", 0)
    return {"rows": len(rows), "bytes_scanned": scanned} if rows else None


def deploy_again(proof: Proof) -> Measured:
    """A second deployment of the service succeeds, and no request fails meanwhile."""
    before = _known_deployments(proof, "second")
    with watching(proof.get, proof.output("EndpointUrl")) as watch:
        status = proof.deploy("second", UPDATE_SECONDS)
    if status != "UPDATE_COMPLETE":
        raise DisprovedError("; ".join([f"the stack is {status}", *proof.operations.failures()]))
    found = _new_deployment(proof, before)
    if found["status"] != "SUCCESSFUL":
        raise DisprovedError(f"the deployment is {found['status']}")
    _check_requests(watch)
    seconds = (found["finishedAt"] - found["startedAt"]).total_seconds()
    return {"deployment_seconds": round(seconds), **_checks_and_drain(proof), **watch.document()}


def _checks_and_drain(proof: Proof) -> Measured:
    """Return how long a check and a drain take at most: of this target group, and by default."""
    client, group = proof.client("elbv2"), proof.output("TargetGroup")
    (found,) = client.describe_target_groups(TargetGroupArns=[group])["TargetGroups"]
    pairs = client.describe_target_group_attributes(TargetGroupArn=group)["Attributes"]
    drain = {each["Key"]: each["Value"] for each in pairs}["deregistration_delay.timeout_seconds"]
    return {
        "check_and_drain_seconds": found["HealthCheckIntervalSeconds"] + int(drain),
        "check_and_drain_seconds_by_default": DEFAULT_CHECK_SECONDS + DEFAULT_DRAIN_SECONDS,
    }


def roll_back(proof: Proof) -> Measured:
    """A deployment of an image that does not exist is rolled back, and no request fails meanwhile."""
    before = _known_deployments(proof, "broken")
    with watching(proof.get, proof.output("EndpointUrl")) as watch:
        status = proof.deploy("broken", ROLLBACK_SECONDS)
    if status != "UPDATE_ROLLBACK_COMPLETE":
        raise DisprovedError(f"the stack is {status}: a deployment of an image that does not exist was not rolled back")
    found = _new_deployment(proof, before)
    if found["status"] != "ROLLBACK_SUCCESSFUL":
        raise DisprovedError(f"the deployment is {found['status']}: {found.get('statusReason', 'no reason')}")
    service = proof.waiting.until(
        lambda: _service_at_rest(proof), limit=REST_SECONDS, missing="other tasks than those from before run"
    )
    definition = proof.client("ecs").describe_task_definition(taskDefinition=service["taskDefinition"])
    image = _container(definition["taskDefinition"]["containerDefinitions"], proof.output("Container"))["image"]
    if image != proof.output("Image"):
        raise DisprovedError(f"the image of the service is {image}")
    _check_requests(watch)
    noticed = found.get("rollback", {}).get("startedAt", found["finishedAt"])
    return {
        "noticed_after_seconds": round((noticed - found["createdAt"]).total_seconds()),
        "rolled_back_after_seconds": round((found["finishedAt"] - found["createdAt"]).total_seconds()),
        "image": image,
        **watch.document(),
    }


def _service_at_rest(proof: Proof) -> Mapping[str, Any] | None:
    """Return the service if it has one deployment, whose tasks run."""
    service = proof.service()
    is_one = [each["status"] for each in service["deployments"]] == ["PRIMARY"]
    return service if is_one and service["runningCount"] >= service["desiredCount"] else None


def _container(containers: Iterable[Mapping[str, Any]], name: str) -> Mapping[str, Any]:
    return next(each for each in containers if each["name"] == name)


def _service_deployments(proof: Proof) -> list[Mapping[str, Any]]:
    """Return the deployments of the service, which ECS keeps for 90 days."""
    client = proof.client("ecs")
    found = client.list_service_deployments(cluster=proof.output("Cluster"), service=proof.output("Service"))
    arns = [each["serviceDeploymentArn"] for each in found["serviceDeployments"]][:DEPLOYMENTS_IN_ONE_CALL]
    answer = client.describe_service_deployments(serviceDeploymentArns=arns)["serviceDeployments"] if arns else []
    return sorted(answer, key=lambda each: each["createdAt"])


def _known_deployments(proof: Proof, app: str) -> list[str]:
    """Return the deployments that there were before a state of the app, also if an earlier call has deployed it."""
    state = proof.operations.state
    if app not in state.before:
        state.before[app] = [each["serviceDeploymentArn"] for each in _service_deployments(proof)]
        state.save()
    return state.before[app]


def _new_deployment(proof: Proof, before: list[str]) -> Mapping[str, Any]:
    """Return the first deployment that was not there before; CloudFormation's own rollback makes a further one."""
    found = _service_deployments(proof)
    if not found:
        raise NotShownError("ECS does not list the deployments of the service")
    new = [each for each in found if each["serviceDeploymentArn"] not in before]
    if not new:
        raise DisprovedError("ECS made no new deployment")
    return new[0]


def _check_requests(watch: RequestWatch) -> None:
    if watch.failed:
        raise DisprovedError(f"{watch.failed} of {watch.sent} requests failed: {', '.join(watch.failures)}")


class Step(NamedTuple):
    """A step, and the promise that it asks about."""

    name: str
    promise: str
    run: Callable[[Proof], Measured]
