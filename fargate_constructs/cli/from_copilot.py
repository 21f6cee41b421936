"""`fargate-constructs from-copilot`: writes an app from the manifests of AWS Copilot."""

from dataclasses import asdict
from pathlib import Path

import click

from fargate_constructs.adoption.copilot import Conversion, convert
from fargate_constructs.cli.terminal.output import console, json_option, print_json

EXAMPLES = """\b
Examples:
  fargate-constructs from-copilot --environment test --output cdk
  fargate-constructs from-copilot ../shop --json
"""


@click.command("from-copilot", epilog=EXAMPLES)
@click.argument("path", type=click.Path(path_type=Path), default=Path())
@click.option("--application", help="The application's name. By default that of copilot/.workspace.")
@click.option("--environment", help="The only environment of the app. By default all that the workspace has.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("cdk"),
    show_default=True,
    help="The folder of the app.",
)
@click.option("--overwrite", is_flag=True, help="Write files that are there already.")
@json_option
def command(
    path: Path, application: str | None, environment: str | None, output: Path, *, overwrite: bool, as_json: bool
) -> None:
    """Write an app from the manifests of AWS Copilot.

    PATH is a workspace, its folder copilot, or one manifest; by default the current folder. What has no counterpart is
    listed, in the app next to its place, too.
    """
    conversion = convert(path, output=output, environment=environment, application=application)
    if not conversion.files:
        raise click.ClickException(f"there is nothing to convert in {path}: {_reasons(conversion)}")
    there = [name for name in conversion.files if (output / name).exists()]
    if there and not overwrite:
        raise click.ClickException(
            f"{', '.join(there)} in {output} would be lost: pass another --output, or --overwrite"
        )
    output.mkdir(parents=True, exist_ok=True)
    for name, text in conversion.files.items():
        (output / name).write_text(text, encoding="utf-8")
    if as_json:
        print_json({**asdict(conversion), "files": list(conversion.files), "output": str(output)})
    else:
        _print(conversion, output)


def _reasons(conversion: Conversion) -> str:
    return "; ".join(f"{each.file}: {each.todo}" for each in conversion.findings) or "it has no manifest"


def _print(conversion: Conversion, output: Path) -> None:
    """Print what was written, what is not converted, and what to do next."""
    screen = console()
    screen.print(f"{output}: {', '.join(conversion.files)}", soft_wrap=True)
    for is_lost, title in ((True, "Not converted:"), (False, "Different:")):
        findings = [each for each in conversion.findings if each.is_lost is is_lost]
        if findings:
            screen.print(f"\n{title}")
        for each in findings:
            where = (
                "" if set(each.environments) == set(conversion.environments) else f" ({', '.join(each.environments)})"
            )
            place = f"{each.file}:{each.line}: {each.field}" if each.field else each.file
            screen.print(f"  {place}{where}: {each.todo}", soft_wrap=True)
    screen.print("\nNext: docs/from-copilot.md has the order of steps.")
