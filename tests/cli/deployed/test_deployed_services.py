"""How `fargate-constructs explain` finds a service, and what it says if it finds none."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from botocore import exceptions
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    CredentialRetrievalError,
    NoRegionError,
    ProfileNotFound,
    UnauthorizedSSOTokenError,
)
from click.testing import CliRunner

from fargate_constructs.cli.aws import meaning_of, session_for
from fargate_constructs.cli.command_line import commands
from fargate_constructs.cli.deployed.deployed_services import find_service
from tests.cli.recorded_aws import ACCOUNT, BEFORE, REGION, RecordedAws, stack_resource

TYPE, NESTED = "AWS::ECS::Service", "AWS::CloudFormation::Stack"
# The paths and logical IDs of services, by stack.
STACKS = {
    "Shop": {"WebService": "Shop/Web/Service/Service", "ApiService": "Shop/Api/Service"},
    "Prod-Blog": {"WebService": "Prod/Blog/Service/Service"},
    "legacy": {"WebServiceD04B": ""},
}
NESTED_ID = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/Shop-Nested-1/0a1b"


def arn(service: str) -> str:
    """Return the ARN of a service."""
    return f"arn:aws:ecs:{REGION}:{ACCOUNT}:service/main/{service}"


def resources(request: Any) -> dict[str, Any]:  # noqa: ANN401 - of botocore
    """Return the resources of a stack, in two pages; `Shop` has a nested stack, and one that was deleted."""
    name = request["StackName"]
    if name == NESTED_ID:
        return {"StackResourceSummaries": [stack_resource("Inner", TYPE, arn("inner"))]}
    if "NextToken" not in request:
        more = [
            stack_resource("Nested", NESTED, NESTED_ID),
            stack_resource("Gone", NESTED, "arn:gone", "DELETE_COMPLETE"),
            {**stack_resource("Failed", TYPE, ""), "PhysicalResourceId": ""},
        ]
        return {"StackResourceSummaries": more if name == "Shop" else [], "NextToken": "2"}
    services = [stack_resource(each, TYPE, arn(f"{name}-{each}")) for each in STACKS[name]]
    return {"StackResourceSummaries": services}


def template(request: Any) -> dict[str, Any]:  # noqa: ANN401 - of botocore
    """Return the template of a stack; that of `Prod-Blog` is YAML."""
    name = request["StackName"]
    paths = {"Inner": "Shop/Nested/Jobs/Service/Service"} if name == NESTED_ID else STACKS[name]
    body = {
        "Resources": {
            each: {"Type": TYPE, **({"Metadata": {"aws:cdk:path": path}} if path else {})}
            for each, path in paths.items()
        }
    }
    return {"TemplateBody": json.dumps(body) if name == "Prod-Blog" else body}


def stacks(request: Any) -> dict[str, Any]:  # noqa: ANN401 - of botocore
    """Return the stacks of the region, in two pages."""
    made = [{"StackName": each, "CreationTime": BEFORE, "StackStatus": "CREATE_COMPLETE"} for each in STACKS]
    nested = {**made[0], "StackName": "Shop-Nested-1", "ParentId": "Shop"}
    return {"Stacks": [*made[1:], nested]} if "NextToken" in request else {"Stacks": made[:1], "NextToken": "2"}


def services(request: Any) -> dict[str, Any]:  # noqa: ANN401 - of botocore
    """Return 250 services of the cluster `main`, of which CDK did not make most, in three pages."""
    start = int(request.get("nextToken", 0))
    names = [arn(f"job-{number}") for number in range(start, min(start + 100, 250))]
    more = {"nextToken": str(start + 100)} if start < 200 else {}
    return {"serviceArns": [*names, arn("Shop-WebService")][: 100 + (not more)], **more}


@pytest.fixture
def aws(clients: RecordedAws) -> RecordedAws:
    """An AWS with three stacks, and with services of no stack."""
    cluster = f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/main"
    clients.answers.update(
        DescribeStacks=stacks,
        ListStackResources=resources,
        GetTemplate=template,
        ListClusters={"clusterArns": [cluster]},
        ListServices=services,
    )
    return clients


def find(aws: Any, name: str, app: Path | None = None, region: str | None = None) -> tuple[str, str, str]:  # noqa: ANN401 - as boto3
    """Return name, service and region of what is found."""
    found = find_service(aws, name, app, region)
    assert found.cluster == "main"
    return found.name, found.service, found.region


@pytest.mark.parametrize(
    ("name", "expected", "service"),
    [
        ("Shop/Web", "Shop/Web", "Shop-WebService"),
        ("Api", "Shop/Api", "Shop-ApiService"),
        ("Prod/Blog", "Prod/Blog", "Prod-Blog-WebService"),
        ("Prod", "Prod/Blog", "Prod-Blog-WebService"),
        ("Shop/Nested", "Shop/Nested/Jobs", "inner"),
        ("Nested/Jobs", "Shop/Nested/Jobs", "inner"),
        ("main/Shop-WebService", "Shop/Web", "Shop-WebService"),
        ("legacy", "legacy/WebServiceD04B", "legacy-WebServiceD04B"),
        ("main/job-249", "main/job-249", "job-249"),
        ("job-7", "main/job-7", "job-7"),
    ],
)
def test_names(name: str, expected: str, service: str, aws: RecordedAws) -> None:
    """A path, a part of one, stack and logical ID, or cluster and service name one service."""
    assert find(aws, name) == (expected, service, REGION)


def test_the_likeliest_stacks_are_read_first(aws: RecordedAws) -> None:
    """CDK names a stack by its path, so that most stacks are not read."""
    find(aws, "Prod/Blog")

    assert {params["StackName"] for name, params in aws.requests if name == "ListStackResources"} == {"Prod-Blog"}


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("Shop", r"Shop must fit one service, got 3: Shop/Api, Shop/Nested/Jobs, Shop/Web; write more of the path"),
        (
            "Shop/Wbe",
            rf"one of those in region {REGION} of the account {ACCOUNT}: Prod/Blog, .* and 235 more, got: Shop/Wbe",
        ),
        ("Sho", r"must be one of those"),
    ],
)
def test_no_service_or_several(name: str, pattern: str, aws: RecordedAws) -> None:
    """The message lists the candidates, and where they are."""
    with pytest.raises(ValueError, match=pattern):
        find(aws, name)


def test_many_stacks_take_long(aws: RecordedAws, capsys: pytest.CaptureFixture[str]) -> None:
    """So there is a line on the standard error."""
    made = stacks({})["Stacks"][0]
    aws.answers["DescribeStacks"] = {
        "Stacks": [{**made, "StackName": f"Other-{number}"} for number in range(50)] + [made]
    }
    aws.answers["ListStackResources"] = lambda request: (
        resources(request) if request["StackName"] in {"Shop", NESTED_ID} else {"StackResourceSummaries": []}
    )
    find(aws, "Shop/Web")
    assert capsys.readouterr().err.startswith("reads the 51 stacks of us-east-1; ")


def test_an_account_without_services(aws: RecordedAws) -> None:
    """The region or the profile is probably wrong."""
    aws.answers.update(DescribeStacks={"Stacks": []}, ListClusters={"clusterArns": []})
    with pytest.raises(ValueError, match=rf"region eu-west-1 of the account {ACCOUNT} has no ECS service"):
        find(aws, "Shop/Web", region="eu-west-1")
    aws.region_name = None
    with pytest.raises(ValueError, match=r"a region, got none; write --region, or set AWS_REGION"):
        find(aws, "Shop/Web")


def test_the_stacks_of_the_app_come_first(aws: RecordedAws, tmp_path: Path) -> None:
    """Each in its region; one that is not deployed has no service."""
    folder = tmp_path / "cdk.out"
    folder.mkdir()
    artifacts = {}
    for name, region in {"New": "eu-west-1", "Shop": "eu-west-1"}.items():
        (folder / f"{name}.json").write_text('{"Resources": {}}')
        properties = {"templateFile": f"{name}.json", "stackName": name}
        environment = f"aws://{ACCOUNT}/{region}"
        artifacts[name] = {
            "type": "aws:cloudformation:stack",
            "properties": properties,
            "environment": environment,
        }
    (folder / "manifest.json").write_text(json.dumps({"artifacts": artifacts}))

    def found(request: Any) -> Any:  # noqa: ANN401 - of botocore
        missing = ("ValidationError", "Stack with id New does not exist")
        return missing if request["StackName"] == "New" else resources(request)

    aws.answers["ListStackResources"] = found
    assert find(aws, "Web", folder) == ("Shop/Web", "Shop-WebService", "eu-west-1")
    assert find(aws, "Web", folder, "us-west-2")[2] == "us-west-2"
    assert not [name for name, _ in aws.requests if name == "DescribeStacks"]
    result = CliRunner().invoke(commands, ["explain", "Shop/Web", "--json"])
    assert json.loads(result.stdout)["service"]["region"] == "eu-west-1"

    aws.answers["ListStackResources"] = ("AccessDenied", "no")
    with pytest.raises(Exception, match="AccessDenied"):
        find(aws, "Web", folder)


def test_a_service_of_no_stack(aws: RecordedAws) -> None:
    """It is explained, too, without the events of a stack."""
    result = CliRunner().invoke(commands, ["explain", "main/job-249", "--json"])

    assert (result.exit_code, json.loads(result.stdout)["findings"]) == (0, [])
    assert "DescribeStackEvents" not in dict(aws.requests)


@pytest.mark.parametrize("answer", [{"services": []}, ("ClusterNotFoundException", "Cluster not found.")], ids=str)
def test_a_service_that_is_gone(answer: Any, aws: RecordedAws) -> None:  # noqa: ANN401 - an answer
    """ECS forgets a deleted service after some time, and one whose cluster is deleted at once."""
    aws.answers["DescribeServices"] = answer
    result = CliRunner().invoke(commands, ["explain", "Shop/Web"])

    assert result.exit_code == 2
    assert "Shop-WebService is not in the cluster main" in result.stderr


def answered(code: str, message: str) -> ClientError:
    """Return an error that AWS answers."""
    return ClientError({"Error": {"Code": code, "Message": message}}, "DescribeStacks")


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (UnauthorizedSSOTokenError(), "the credentials have expired; renew them"),
        (answered("InvalidClientTokenId", "The security token is invalid"), "these credentials are not accepted"),
        (
            answered("AccessDenied", "no\nright for ExpiredOrders"),
            "An error occurred (AccessDenied) when calling the DescribeStacks operation: no right for ExpiredOrders",
        ),
        (CredentialRetrievalError(provider="custom-process", error_msg="1"), "the credentials cannot be retrieved"),
        (ConnectionClosedError(endpoint_url="http://127.0.0.1/"), "there is no answer; check the network"),
        (NoRegionError(), "there is no region; write --region"),
    ],
    ids=["expired", "not accepted", "refused", "source", "closed", "no region"],
)
def test_errors_of_aws(error: Exception, text: str) -> None:
    """Each is one line that says what to do."""
    assert meaning_of(error).startswith(text)
    assert "\n" not in meaning_of(error)


def test_each_login_that_has_expired() -> None:
    """Each error of botocore for it has that meaning, also for a command that goes on after an answer of AWS."""
    errors = [each for each in vars(exceptions).values() if isinstance(each, type) and issubclass(each, BotoCoreError)]
    logins = [each for each in errors if re.match("SSO|UnauthorizedSSO|Login|TokenRetrieval", each.__name__)]

    assert {"SSOTokenLoadError", "TokenRetrievalError"} <= {each.__name__ for each in logins}
    assert all("`aws sso login` or `aws login`" in meaning_of(each.__new__(each)) for each in logins)


def test_requests_are_repeated_in_the_standard_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    """A setting of the person has precedence."""
    monkeypatch.delenv("AWS_RETRY_MODE", raising=False)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    assert session_for(None, REGION).client("sts").meta.config.retries["mode"] == "standard"
    monkeypatch.setenv("AWS_RETRY_MODE", "adaptive")
    assert session_for(None, REGION).client("sts").meta.config.retries["mode"] == "adaptive"
    with pytest.raises(ProfileNotFound):
        session_for("no-such", REGION)
