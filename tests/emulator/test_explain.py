"""`fargate-constructs explain` with the real boto3, on a local AWS."""

import json

from tests.emulator.commands import run_here
from tests.emulator.emulator import Emulator


def test_a_stopped_task_is_explained(aws: Emulator, cluster: str) -> None:
    """The command finds the service by its construct path, and the exit code of its task."""
    ecs = aws.client("ecs")
    (task,) = ecs.list_tasks(cluster=cluster, serviceName="api")["taskArns"]
    ecs.stop_task(cluster=cluster, task=task, reason="exit 3")
    result = run_here(aws, "explain", "Blog/Api", "--json")

    assert result.exit_code == 1, result.stderr
    document = json.loads(result.stdout)
    assert document["service"]["name"] == "Blog/Api"
    causes = {each["cause"]: each for each in document["findings"]}
    assert causes.keys() == {"appFailed", "noDefaultRoute"}
    assert "web exited with code 3" in causes["appFailed"]["seen"][0]["text"]


def test_without_aws_an_error_is_one_line(aws: Emulator) -> None:
    """No server listens on that port."""
    done = run_here(aws, "explain", "Shop/Web", AWS_ENDPOINT_URL="http://127.0.0.1:9", AWS_MAX_ATTEMPTS="1")

    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "AWS: there is no answer" in done.stderr
