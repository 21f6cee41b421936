"""Reads what CloudFormation deployed: its stacks, their resources, and the construct path of each."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

import click

from fargate_constructs.cli.aws import Answer, paged
from fargate_constructs.synthesized.stored_templates import STACK_TYPE, read_app, written_paths
from fargate_constructs.synthesized.template_text import parse_template

if TYPE_CHECKING:
    from boto3 import Session

CDK_OUT = Path("cdk.out")
# So many stacks take longer than a person waits without a word.
MANY = 50
# The statuses of a stack with which an operation begins.
BEGINNINGS = ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "IMPORT_IN_PROGRESS", "DELETE_IN_PROGRESS")
# What a message lists at most.
MAX_LISTED = 20


class Named(Protocol):
    """What a person names."""

    @property
    def name(self) -> str:
        """Its construct path, or what is in place of it."""


Found = TypeVar("Found", bound=Named)


class DeployedResource(NamedTuple):
    """A resource of a stack."""

    type: str
    logical_id: str
    physical_id: str


class DeployedStack:
    """A stack that is deployed, without those nested in it."""

    def __init__(self, session: Session, name: str, region: str) -> None:
        self.name = name
        """Its name, or its ARN if it is nested."""
        self.region = region
        self._session = session

    @property
    def title(self) -> str:
        """Its name, also if it is nested."""
        return self.name.rpartition(":stack/")[2].partition("/")[0]

    def client(self, name: str) -> Any:  # noqa: ANN401 - of boto3
        """Return the client of a part of AWS in the stack's region."""
        return self._session.client(name, region_name=self.region)  # type: ignore[call-overload]

    @cached_property
    def resources(self) -> Sequence[DeployedResource]:
        """Its resources that exist; none if the stack is not deployed."""
        return [resource for resource, status in self._all if resource.physical_id and status != "DELETE_COMPLETE"]

    @cached_property
    def lost(self) -> Sequence[DeployedResource]:
        """Its resources that it deleted, or could not create, and so have no physical ID."""
        return [resource for resource, _ in self._all if resource not in self.resources]

    @cached_property
    def _all(self) -> Sequence[tuple[DeployedResource, str]]:
        """All its resources, with their statuses."""
        client = self.client("cloudformation")
        try:
            found = [*paged(client, "list_stack_resources", "StackResourceSummaries", StackName=self.name)]
        except client.exceptions.ClientError as error:
            if "does not exist" in str(error):
                return ()
            raise
        return [
            (
                DeployedResource(each["ResourceType"], each["LogicalResourceId"], each.get("PhysicalResourceId", "")),
                each["ResourceStatus"],
            )
            for each in found
        ]

    @cached_property
    def template(self) -> Mapping[str, Any]:
        """Its template, as CloudFormation processed it."""
        body = self.client("cloudformation").get_template(StackName=self.name, TemplateStage="Processed")[
            "TemplateBody"
        ]
        # boto3 parses JSON, and returns YAML as a text.
        return parse_template(body, f"the template of {self.name}") if isinstance(body, str) else body

    @cached_property
    def paths(self) -> Mapping[str, str]:
        """The construct path of each logical ID, as far as CDK wrote it."""
        return written_paths(self.template)

    def of_type(self, *types: str) -> list[DeployedResource]:
        """Return the resources of some types."""
        return [each for each in self.resources if each.type in types]

    def properties(self, logical_id: str) -> Mapping[str, Any]:
        """Return the properties that the template gives a resource."""
        properties: Mapping[str, Any] = self.template["Resources"][logical_id].get("Properties", {})
        return properties

    def name_of(self, logical_id: str, *inner_ids: str) -> str:
        """Return the path of the construct that a person named, such as `Shop/Web`.

        It is without the inner IDs that the app does not have, such as `/Service`. One ID of the app is always left
        below the stack. If CDK wrote no path, it is the stack and the logical ID.
        """
        path = self.paths.get(logical_id, "")
        for _ in inner_ids:
            for inner in inner_ids:
                path = path.removesuffix(inner) if path.count("/") > 1 else path
        return path or f"{self.title}/{logical_id}"

    def with_nested(self) -> Iterator[DeployedStack]:
        """Yield this stack, and those nested in it."""
        yield self
        for each in self.of_type(STACK_TYPE):
            yield from DeployedStack(self._session, each.physical_id, self.region).with_nested()


def searches(session: Session, name: str, app: Path | None, region: str | None) -> Iterator[Iterator[DeployedStack]]:
    """Yield the stacks of one place after the other, the likeliest first, with those nested in them.

    Args:
        session: The credentials, and the region if there is no other.
        name: What is searched: a construct path, or a part of it. It may be empty.
        app: The folder of CDK whose stacks are searched first. By default cdk.out, if it is there.
        region: The region. By default that of each stack in the app, or that of the session.
    """
    app = app or (CDK_OUT if CDK_OUT.exists() else None)
    if app:
        yield _of_app(session, app, region)
    here = region_of(session, region)
    found = paged(session.client("cloudformation", region_name=here), "describe_stacks", "Stacks")
    # A nested stack is read with the stack around it.
    stacks = [each["StackName"] for each in found if "ParentId" not in each]
    # CDK names the stack at the path `Prod/Shop` Prod-Shop.
    ids = name.split("/")
    likely = {"-".join(ids[: count + 1]) for count in range(len(ids))}
    if len(stacks) > MANY:
        click.echo(f"reads the {len(stacks)} stacks of {here}; `cdk synth` before, or --app, makes it faster", err=True)
    for group in ([each for each in stacks if each in likely], [each for each in stacks if each not in likely]):
        yield (each for stack in group for each in DeployedStack(session, stack, here).with_nested())


def _of_app(session: Session, app: Path, region: str | None) -> Iterator[DeployedStack]:
    for stack in read_app(app, all_stacks=True):
        here = region or stack.region or region_of(session, None)
        yield from DeployedStack(session, stack.name, here).with_nested()


def fits(path: str, name: str) -> bool:
    """Whether a name may mean the construct at a path: the path, a path above it, or the end of it."""
    around = f"/{path}/"
    return around.startswith(f"/{name}/") or around.endswith(f"/{name}/")


def only(found: Collection[Found], name: str, noun: str) -> Found | None:
    """Return the one that a name means; `None` if there is none."""
    chosen = [each for each in found if each.name == name] or list(found)
    if len(chosen) > 1:
        raise ValueError(
            f"{name} must fit one {noun}, got {len(chosen)}: {listed(each.name for each in chosen)}; "
            "write more of the path"
        )
    return chosen[0] if chosen else None


def last_events(client: Any, stack: str) -> Iterator[Answer]:  # noqa: ANN401 - of boto3
    """Yield the events of a stack's last operation, the newest first. A rollback is of the operation that failed."""
    for event in paged(client, "describe_stack_events", "StackEvents", StackName=stack):
        yield event
        # An event about a nested stack has the physical ID of that.
        if event.get("PhysicalResourceId") == event["StackId"] and event["ResourceStatus"] in BEGINNINGS:
            return


def place_of(session: Session, region: str | None) -> str:
    """Return where is searched, for a message: the region and the account."""
    client: Any = session.client("sts", region_name=session.region_name or "us-east-1")
    return f"region {region_of(session, region)} of the account {client.get_caller_identity()['Account']}"


def region_of(session: Session, region: str | None) -> str:
    """Return the region of an option, or that of the session."""
    here = region or session.region_name
    if not here:
        raise ValueError("AWS needs a region, got none; write --region, or set AWS_REGION")
    return here


def listed(names: Iterable[str]) -> str:
    """Return names for a message, in order, and not too many."""
    ordered = sorted(set(names))
    more = f" and {len(ordered) - MAX_LISTED} more" if len(ordered) > MAX_LISTED else ""
    return ", ".join(ordered[:MAX_LISTED]) + more
