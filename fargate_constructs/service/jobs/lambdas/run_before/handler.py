"""Run a task, wait until it has stopped, and tell CloudFormation how it ended.

CloudFormation gets a failure only after the task has stopped, or after its time to stop: during a rollback no task may
run. So an error of AWS's while a task runs does not end the wait, and ECS is asked again. If an error leaves open
whether there is a task, the invocation fails, and Lambda repeats it after one minute and after two more
(https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html).

An invocation with the same event waits for the task that the first one started: the request's ID is ECS's idempotency
token, for up to a day. Lambda keeps an event for six hours at most
(https://docs.aws.amazon.com/AmazonECS/latest/APIReference/ECS_Idempotency.html).
"""

from __future__ import annotations

import json
import os
import time
import urllib.request
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as AwsConnectionError

# This much time of an invocation is kept for the call of itself, and for the last two calls of ECS, which take up to 80
# s each.
LAST_WORDS_MILLIS = 180_000
# Between two attempts to start the task, as a new permission or capacity may need some time: two minutes in total.
START_PAUSES = (1, 2, 4, 8, 15, 30, 30, 30)
PAUSE_SECONDS = 5
# A container has at most two minutes until SIGKILL; Fargate then needs some seconds to clean up.
STOP_SECONDS = 240
# ASCII characters: CloudFormation accepts 4,096 bytes of JSON in total
# (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html).
MAX_REASON = 1500

# For calls that are made once.
PATIENT = Config(retries={"mode": "standard", "max_attempts": 10})
# For calls that are repeated anyway: one answer must not take the whole invocation.
BRISK = Config(retries={"mode": "standard", "total_max_attempts": 3}, connect_timeout=5, read_timeout=20)
ECS: Any = boto3.client("ecs", config=BRISK)
LAMBDA: Any = boto3.client("lambda", config=PATIENT)
CLOUDFORMATION: Any = boto3.client("cloudformation", config=PATIENT)


class RunError(Exception):
    """The task failed. The message has the reason and the command for its log."""


def handler(event: dict[str, Any], context: Any) -> None:  # noqa: ANN401 - Lambda's own
    """Handle a request of CloudFormation and answer it, in this invocation or in the next one."""
    has_ended, answer = True, {"Status": "SUCCESS"}
    try:
        if "Run" in event or is_called_for(event):
            event["Run"] = event.get("Run") or start(event)
            has_ended = follow(event["Run"], context)
    except (AwsConnectionError, HTTPClientError):
        raise  # ECS may have started a task and its answer be lost; called again, `start` finds it
    except Exception as error:  # noqa: BLE001 - CloudFormation must get any error
        reason = f"{type(error).__name__}: {error}".encode("ascii", "replace").decode()
        answer = {"Status": "FAILED", "Reason": reason[:MAX_REASON]}
    if has_ended:
        respond(event, answer)
    else:
        # If this fails, Lambda calls the function again, which finds the same task.
        LAMBDA.invoke(FunctionName=context.invoked_function_arn, InvocationType="Event", Payload=json.dumps(event))


def is_called_for(event: dict[str, Any]) -> bool:
    """Return whether the stack is not in a rollback.

    A rollback must not run the task of the old version: most tools refuse a database that is newer than they are, and
    the rollback would fail, too.
    """
    if event["RequestType"] == "Delete":
        return False
    (stack,) = CLOUDFORMATION.describe_stacks(StackName=event["StackId"])["Stacks"]
    return "ROLLBACK" not in stack["StackStatus"]


def start(event: dict[str, Any]) -> dict[str, Any]:
    """Start the task, or return the one that this event started before."""
    request = json.loads(os.environ["REQUEST"])
    request["taskDefinition"] = event["ResourceProperties"]["TaskDefinition"]
    request["clientToken"] = event["RequestId"]
    obstacle: object = None
    for pause in START_PAUSES:
        try:
            answer = ECS.run_task(**request)
            if answer["tasks"]:
                (task,) = answer["tasks"]
                return {
                    "TaskArn": task["taskArn"],
                    "StopAt": task["createdAt"].timestamp() + int(os.environ["TIMEOUT_SECONDS"]),
                }
            obstacle = [each.get("reason") for each in answer["failures"]]
        except ClientError as error:
            obstacle = error
        time.sleep(pause)
    raise RunError(f"the task did not start: {obstacle}")


def follow(run: dict[str, Any], context: Any) -> bool:  # noqa: ANN401 - Lambda's own
    """Wait until the task has stopped with exit code 0; return whether it has within this invocation.

    Raises:
        RunError: If it stopped otherwise, or did not stop minutes after ECS was asked to stop it.
    """
    cluster, task_arn = json.loads(os.environ["REQUEST"])["cluster"], run["TaskArn"]
    state = "not known to ECS"
    while context.get_remaining_time_in_millis() > LAST_WORDS_MILLIS:
        try:
            # ECS may not know a task yet that it has just started.
            for task in ECS.describe_tasks(cluster=cluster, tasks=[task_arn])["tasks"]:
                if task["lastStatus"] == "STOPPED":
                    judge(task)
                    return True
                state = task["lastStatus"]
        except (BotoCoreError, ClientError) as error:
            state = str(error)
        overtime = time.time() - run["StopAt"]
        if overtime > 0:
            reason = f"not done after {os.environ['TIMEOUT_SECONDS']} seconds"
            try:
                ECS.stop_task(cluster=cluster, task=task_arn, reason=reason)
            except (BotoCoreError, ClientError) as error:
                state = str(error)
        if overtime > STOP_SECONDS:
            raise RunError(f"task {task_arn} has not stopped minutes after StopTask: {state}")
        time.sleep(PAUSE_SECONDS)
    return False


def judge(task: dict[str, Any]) -> None:
    """Raise unless the task ended by itself, and its main container with exit code 0."""
    name = os.environ["CONTAINER"]
    (exit_code,) = (each.get("exitCode", "none") for each in task["containers"] if each["name"] == name)
    # A stopped task may also end with exit code 0, without having done its work.
    stop_code = task.get("stopCode")
    if exit_code == 0 and stop_code == "EssentialContainerExited":
        return
    task_id = task["taskArn"].rpartition("/")[2]
    logs = f"aws logs tail {os.environ['LOG_GROUP']} --log-stream-names {name}/{name}/{task_id} --since 1d"
    raise RunError(
        f"task {task_id} stopped with exit code {exit_code} ({stop_code}: {task.get('stoppedReason')}); its log: {logs}"
    )


def respond(event: dict[str, Any], answer: dict[str, str]) -> None:
    """Answer CloudFormation."""
    body = {key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")}
    # Always the same ID: CloudFormation would delete a resource whose ID changes.
    body["PhysicalResourceId"] = event.get("PhysicalResourceId", event["LogicalResourceId"])
    request = urllib.request.Request(  # noqa: S310 - CloudFormation's own address, always https
        event["ResponseURL"],
        data=json.dumps(body | answer).encode(),
        method="PUT",
        headers={"Content-Type": ""},  # the signature of the URL has no content type
    )
    urllib.request.urlopen(request, timeout=10).close()  # noqa: S310
