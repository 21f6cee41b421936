"""`fargate-constructs plan`: what a deployment replaces, and what makes it stay."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from fargate_constructs.adoption.adoption_file import read_adoption_file
from fargate_constructs.adoption.findings import Finding, findings_of
from fargate_constructs.adoption.refactor_mapping import find_refusals, refactor_mapping
from fargate_constructs.adoption.stack_plan import Plan, make_plan
from fargate_constructs.cli.aws import session_for
from fargate_constructs.cli.command_line import FINDING
from fargate_constructs.cli.options import aws_options
from fargate_constructs.cli.plan.plan_overview import Overview, overview
from fargate_constructs.cli.plan.plan_overview_report import overview_markdown, print_overview
from fargate_constructs.cli.plan.plan_page import as_page
from fargate_constructs.cli.plan.plan_report import Report, as_document, as_markdown, print_report
from fargate_constructs.cli.terminal.output import console, json_option, print_json
from fargate_constructs.costs.price_list import DEFAULT, read_prices
from fargate_constructs.synthesized.comparable_template import TemplateTree, path_of
from fargate_constructs.synthesized.deployed_stacks import read_deployed, read_importers
from fargate_constructs.synthesized.replacements import is_at
from fargate_constructs.synthesized.stored_templates import StoredStack, read_app, read_stack_file

if TYPE_CHECKING:
    from boto3 import Session

EXISTING = click.Path(exists=True, path_type=Path)
NEW = click.Path(dir_okay=False, path_type=Path)


EXAMPLES = """\b
Examples:
  fargate-constructs plan Shop
  fargate-constructs plan Shop --write adoption.json
  fargate-constructs plan --deployed old.json --app new.template.json
  fargate-constructs plan --all --markdown > plan.md
  fargate-constructs plan --all --offline --html plan.html
"""


@click.command(epilog=EXAMPLES)
@click.argument("stacks", nargs=-1, metavar="[STACK]...")
@click.option(
    "--app",
    default="cdk.out",
    show_default=True,
    type=click.Path(path_type=Path),
    help="The folder of `cdk synth`, or one template.",
)
@click.option(
    "--deployed",
    type=EXISTING,
    help="The deployed template, or a cdk.out of the deployed app. By default CloudFormation has it.",
)
@click.option("--offline", is_flag=True, help="Ask AWS for nothing: without --deployed, all is new.")
@click.option("--all", "all_stacks", is_flag=True, help="Plan each stack of the app.")
@click.option("--allow-new", is_flag=True, help="A stack that is not deployed is no error: all of it is new.")
@click.option(
    "--pair", "pairs", multiple=True, metavar="OLD=NEW", help="A deployed logical ID, and its path in the app."
)
@click.option(
    "--accept",
    multiple=True,
    metavar="PLACE",
    help="What may be lost: a path, with all below, or a logical ID; RULE:PLACE for one rule.",
)
@click.option("--write", type=NEW, help="Write the logical IDs that stay, for adopt(stack, FILE).")
@click.option("--refactor", type=NEW, help="Write a mapping for `cdk refactor --override-file`.")
@click.option("--prices", type=EXISTING, help="A JSON file of prices. By default list prices of us-east-1.")
@click.option(
    "--fail-on",
    type=click.Choice(["error", "warning"]),
    help="End with status 1 for caveats, too: errors, or errors and warnings.",
)
@click.option(
    "--max-increase", type=click.FloatRange(min=0), metavar="USD", help="End with 1 if a month costs this much more."
)
@click.option("--html", type=NEW, help="Write one HTML page, with the architecture drawn.")
@click.option("--markdown", is_flag=True, help="Print Markdown, for a pull request.")
@json_option
@aws_options
@click.pass_context
def command(
    context: click.Context,
    *,
    stacks: tuple[str, ...],
    app: Path,
    deployed: Path | None,
    offline: bool,
    all_stacks: bool,
    allow_new: bool,
    pairs: tuple[str, ...],
    accept: tuple[str, ...],
    write: Path | None,
    refactor: Path | None,
    prices: Path | None,
    fail_on: str | None,
    max_increase: float | None,
    html: Path | None,
    markdown: bool,
    as_json: bool,
    profile: str | None,
    region: str | None,
) -> None:
    """Show what a deployment replaces and costs, and draw the app.

    Reads the app in cdk.out and the template that is deployed: run `cdk synth` before. Nothing is deployed or changed.

    The status is 1 if an address, data or a running service is lost, if a resource only needs its deployed logical ID,
    or if the order of changes interrupts requests or deletes data. Costs and caveats change the status only with
    --max-increase and --fail-on.
    """
    if as_json and markdown:
        raise click.UsageError("--json and --markdown exclude each other")
    news = read_app(app, stacks, all_stacks=all_stacks)
    if len(news) > 1 and ((deployed and not deployed.is_dir()) or write or refactor or pairs):
        raise click.UsageError("a --deployed file, --write, --refactor and --pair are for one stack: name it")
    is_new = offline and deployed is None
    session = None if deployed or is_new else session_for(profile, region)
    source = _Deployed(deployed, session, region, allow_new or is_new)
    given = dict(map(_split, pairs))
    olds = [source.stack(each) for each in news]
    reports = [
        source.report(old, new, given, accept, is_adopted=write is not None)
        for old, new in zip(olds, news, strict=True)
    ]
    _refuse_unused(accept, reports)
    everything = read_app(app, all_stacks=True)
    whole = overview(news, olds, everything, read_prices(prices) if prices else DEFAULT)
    if write:
        _write(reports[0].plan, write, accept)
    if refactor:
        _write_mapping(reports[0].plan, refactor)
    if html:
        _save(as_page(reports, whole), html, "--html")
    _print(reports, whole, as_json=as_json, markdown=markdown)
    costs_more = max_increase is not None and whole.costs.difference > max_increase
    if any(each.open for each in reports) or costs_more or (fail_on and whole.has(fail_on)):
        context.exit(FINDING)


def _print(reports: list[Report], whole: Overview, *, as_json: bool, markdown: bool) -> None:
    if as_json:
        print_json({"stacks": [as_document(each) for each in reports], **whole.document()})
    elif markdown:
        before = "\n".join(map(as_markdown, reports))
        click.echo(f"{before}\n{overview_markdown(whole, before)}")
    else:
        for each in reports:
            print_report(console(), each)
        print_overview(console(), whole)


class _Deployed(NamedTuple):
    """Where the deployed templates are: in a file, in CloudFormation, or nowhere."""

    file: Path | None
    session: Session | None
    region: str | None
    allow_new: bool

    def report(
        self, old: StoredStack, new: StoredStack, given: Mapping[str, str], accept: tuple[str, ...], *, is_adopted: bool
    ) -> Report:
        """Return the report about a stack of the app."""
        plan = make_plan(old, new, given)
        found: list[Finding | None] = [*findings_of(plan, is_adopted=is_adopted)]
        if self.session is not None:
            found = [_if_imported(each, self.session, old.region) for each in found if each]
        return Report(plan, [each for each in found if each], accept)

    def stack(self, new: StoredStack) -> StoredStack:
        """Return what is deployed of a stack."""
        if self.file is not None:
            return self._stored(self.file, new)
        return _new_stack(new) if self.session is None else self._asked(self.session, new)

    def _stored(self, file: Path, new: StoredStack) -> StoredStack:
        """Return the stack of a template, or the one with the same name in another cdk.out."""
        if not file.is_dir():  # such as a pipe of a shell
            stored = read_stack_file(file, "--deployed")
            if not (stored.tree.template["Resources"] or self.allow_new):
                raise ValueError(
                    f"--deployed must be a template with resources, got {file} without; name another file, or write "
                    "--allow-new if the stack is new"
                )
            return stored
        found = [each for each in read_app(file, all_stacks=True, name="--deployed") if each.name == new.name]
        if not found and not self.allow_new:
            raise ValueError(
                f"the stack {new.name} is not in {file}; correct --deployed, or write --allow-new if it is new"
            )
        return found[0] if found else _new_stack(new)

    def _asked(self, session: Session, new: StoredStack) -> StoredStack:
        """Return what CloudFormation has of a stack."""
        found = read_deployed(session, new.name, self.region or new.region)
        if found is None and not self.allow_new:
            place = self.region or new.region or "the region of your credentials"
            raise ValueError(
                f"the stack {new.name} is not deployed in {place}; correct --profile or --region, pass its template by "
                "--deployed, or write --allow-new if it is new"
            )
        return found or _new_stack(new)


def _new_stack(new: StoredStack) -> StoredStack:
    """Return what is deployed of a new stack: nothing."""
    return StoredStack(new.name, TemplateTree({"Resources": {}}), new.path)


def _if_imported(finding: Finding, session: Session, region: str) -> Finding | None:
    """Return a finding; `None` if it is about an export that no stack imports."""
    importers = read_importers(session, finding.logical_id, region) if finding.rule == "exportLost" else None
    if importers is None:
        return finding
    return finding._replace(problems=[*finding.problems, f"imported by {', '.join(importers)}"]) if importers else None


def _split(pair: str) -> tuple[str, str]:
    old, _, new = pair.partition("=")
    if not (old and new):
        raise click.BadParameter(
            f"write OLD=NEW, such as WebLB720665E7=Endpoint/LoadBalancer, got: {pair}", param_hint="--pair"
        )
    return old, new


def _write(plan: Plan, file: Path, accept: tuple[str, ...]) -> None:
    """Write the logical IDs that stay, also those that the file has already."""
    unclear = [
        f"{old_id} may be: {', '.join(fits)}"
        for old_id, fits in plan.candidates.items()
        if not any(is_at(each, old_id, path_of(old_id, plan.old.resources)) for each in accept)
    ]
    if unclear:
        raise ValueError(
            f"nothing is written, because more than one resource fits: {'; '.join(unclear)}; write --pair OLD=PATH for "
            "each, or --accept OLD if it may go"
        )
    known = read_adoption_file(file) if file.exists() else None
    if known and known.stack != plan.stack.name:
        raise ValueError(f"{file} is for the stack {known.stack}, got {plan.stack.name}; write to another file")
    content = plan.adoption(known)
    _save(content.as_json(), file, "--write")
    click.echo(
        f'{file}: {len(content.resources)} to keep; call adopt(stack, "{file.name}") in the app, run '
        "`cdk synth`, and plan again",
        err=True,
    )


def _write_mapping(plan: Plan, file: Path) -> None:
    if refusals := list(find_refusals(plan)):
        raise ValueError("nothing is written, because cdk refactor would refuse it:\n- " + "\n- ".join(refusals))
    _save(refactor_mapping(plan), file, "--refactor")
    click.echo(f"{file}: run `cdk refactor --unstable=refactor --override-file {file}`", err=True)


def _save(text: str, file: Path, option: str) -> None:
    if not file.parent.is_dir():
        raise ValueError(f"{option} must be a file in a folder that is there, got: {file}; make {file.parent}")
    file.write_text(text, encoding="utf-8")


def _refuse_unused(accept: tuple[str, ...], reports: list[Report]) -> None:
    """Refuse a place at which nothing is found: it would hide a later loss."""
    unused = [each for each in accept if not any(report.has(each) for report in reports)]
    if unused:
        raise click.BadParameter(f"nothing is found at or below: {', '.join(unused)}; remove it", param_hint="--accept")
