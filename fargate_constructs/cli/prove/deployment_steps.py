"""The steps that deploy: for the first time, again, and what cannot start."""

from __future__ import annotations

from collections.abc import Iterable

from fargate_constructs.cli.aws import Answer
from fargate_constructs.cli.deployed.service_facts import DEPLOYMENTS_IN_ONE_CALL
from fargate_constructs.cli.prove.outcomes import DisprovedError, NotShownError
from fargate_constructs.cli.prove.proof_step import MINUTE, Measured, Proof
from fargate_constructs.cli.prove.request_watch import RequestWatch, watching

DEPLOY_SECONDS, UPDATE_SECONDS = 30 * MINUTE, 30 * MINUTE
ROLLBACK_SECONDS, REST_SECONDS = 45 * MINUTE, 5 * MINUTE
CREATED = "CREATE_COMPLETE"
# The first cluster of an account makes the role of ECS, which may not be ready then
# (https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/818).
NO_ROLE = "service linked role"
# What a load balancer and so `aws_ecs_patterns` do if no other value is set
# (https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html).
DEFAULT_CHECK_SECONDS, DEFAULT_DRAIN_SECONDS = 30, 300


def deploy(proof: Proof) -> Measured:
    """The stack is created."""
    status, measured = proof.deploy("first", DEPLOY_SECONDS), {}
    if status != CREATED and any(NO_ROLE in each for each in proof.operations.failures()):
        proof.operations.start_over(limit=DEPLOY_SECONDS)
        status, measured = proof.deploy("first", DEPLOY_SECONDS), {"attempts": 2}
    if status != CREATED:
        raise DisprovedError("; ".join([f"the stack is {status}", *proof.operations.failures()]))
    return {**measured, "resources": len(proof.operations.not_deleted())}


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


def _service_at_rest(proof: Proof) -> Answer | None:
    """Return the service if it has one deployment, whose tasks run."""
    service = proof.service()
    is_one = [each["status"] for each in service["deployments"]] == ["PRIMARY"]
    return service if is_one and service["runningCount"] >= service["desiredCount"] else None


def _container(containers: Iterable[Answer], name: str) -> Answer:
    return next(each for each in containers if each["name"] == name)


def _service_deployments(proof: Proof) -> list[Answer]:
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
        state.remember()
    return state.before[app]


def _new_deployment(proof: Proof, before: list[str]) -> Answer:
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
