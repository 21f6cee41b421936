"""The steps that show how requests reach tasks, and from which addresses tasks leave."""

from __future__ import annotations

import ipaddress
from http import HTTPStatus

from fargate_constructs.cli.aws import Answer
from fargate_constructs.cli.prove.log_steps import LOG_SECONDS, messages_with_token
from fargate_constructs.cli.prove.outcomes import DisprovedError
from fargate_constructs.cli.prove.proof_step import MINUTE, Measured, Proof
from fargate_constructs.cli.tasks.one_off_tasks import NotStartedError, start_task
from fargate_constructs.cli.tasks.task_launch import Launch, Override

ENDPOINT_SECONDS, TASK_SECONDS = 5 * MINUTE, 5 * MINUTE
# AWS's own page that answers with the caller's address.
ADDRESS_URL = "https://checkip.amazonaws.com"


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


def _address_seen(proof: Proof, service: Answer, subnet: str) -> str:
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
        )
    except NotStartedError as error:
        raise DisprovedError(str(error)) from error
    ended = task.wait(timeout=TASK_SECONDS)
    if ended.is_over_time:
        raise DisprovedError(f"a task in {subnet} does not end after {TASK_SECONDS} s")
    if ended.exit_code != 0:
        raise DisprovedError(f"a task in {subnet} ended with {ended.exit_code}: {ended.reason}")
    messages = proof.waiting.until(
        lambda: messages_with_token(proof, stream=f"/{task.id}"),
        limit=LOG_SECONDS,
        missing=f"task {task.id} logged no line",
    )
    word = messages[-1].split()[-1]
    try:
        return str(ipaddress.ip_address(word))
    except ValueError:
        raise DisprovedError(f"{ADDRESS_URL} gave no address, but: {messages[-1]}") from None
