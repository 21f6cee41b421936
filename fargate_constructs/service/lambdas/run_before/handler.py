"""Run a task, wait until it has stopped, and tell CloudFormation how it ended.

CloudFormation gets a failure only after the task has stopped, or after its time to stop: during a rollback no task may
run. So an error of AWS's while a task runs does not end the wait, and ECS is asked again. If an error leaves open
whether there is a task, the invocation fails, and Lambda repeats it after one minute and after two more
(https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html).

Invoked again with the same event, the function follows the task that it started before: to ECS the request's ID is the
token by which it knows a request again, for up to a day; Lambda keeps an event for six hours at most
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

# This much of an invocation is kept for the hand-over, and for the last two calls of ECS, which take up to 80 s each.
LAST_WORDS_MILLIS = 180_000
# Between two starts, while a permission that is seconds old or a lack of capacity may pass: two minutes in all.
START_PAUSES = (1, 2, 4, 8, 15, 30, 30, 30)
PAUSE_SECONDS = 5
# A container has two minutes at most to end, then it is killed; Fargate needs a moment to clear up.
STOP_SECONDS = 240
# Of ASCII: CloudFormation takes 4,096 bytes of JSON, addresses and all
# (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html).
MAX_REASON = 1500

# What is asked once is waited for.
PATIENT = Config(retries={"mode": "standard", "max_attempts": 10})
# What is asked again anyway must not cost the invocation for one answer.
BRISK = Config(retries={"mode": "standard", "total_max_attempts": 3}, connect_timeout=5, read_timeout=20)
ECS: Any = boto3.client("ecs", config=BRISK)
LAMBDA: Any = boto3.client("lambda", config=PATIENT)
CLOUDFORMATION: Any = boto3.client("cloudformation", config=PATIENT)


class RunError(Exception):
    """The task did not do its work. The message says why, and where its log is."""


def handler(event: dict[str, Any], context: Any) -> None:  # noqa: ANN401 - Lambda's own
    """Do what CloudFormation asks for and answer it, in this invocation or in one that is handed over to."""
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
        # If this fails, Lambda calls the function again, which finds the task again.
        LAMBDA.invoke(FunctionName=context.invoked_function_arn, InvocationType="Event", Payload=json.dumps(event))


def is_called_for(event: dict[str, Any]) -> bool:
    """Return whether the stack goes forward.

    On its way back it must not run the task of the version before: most tools refuse a database that is newer than
    they are, and the way back would fail, too.
    """
    if event["RequestType"] == "Delete":
        return False
    (stack,) = CLOUDFORMATION.describe_stacks(StackName=event["StackId"])["Stacks"]
    return "ROLLBACK" not in stack["StackStatus"]


def start(event: dict[str, Any]) -> dict[str, Any]:
    """Start the task, or find the one that this event started before."""
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
            # ECS may not know yet of a task that it has just started.
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
    """Raise unless the task ended by itself and its main container with exit code 0."""
    name = os.environ["CONTAINER"]
    (exit_code,) = (each.get("exitCode", "none") for each in task["containers"] if each["name"] == name)
    # A task that is stopped may end with exit code 0 all the same, its work undone.
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
    # One and the same for good: another would make CloudFormation delete the one before.
    body["PhysicalResourceId"] = event.get("PhysicalResourceId", event["LogicalResourceId"])
    request = urllib.request.Request(  # noqa: S310 - CloudFormation's own address, always https
        event["ResponseURL"],
        data=json.dumps(body | answer).encode(),
        method="PUT",
        headers={"Content-Type": ""},  # the address is signed without one
    )
    urllib.request.urlopen(request, timeout=10).close()  # noqa: S310
