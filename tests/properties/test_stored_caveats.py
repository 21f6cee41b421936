"""FargateCaveats on the templates in cdk.out, as `fargate-constructs plan` reads them, in every mode."""

from functools import partial
from pathlib import Path

from fargate_constructs.caveats.fargate_app import FargateApp
from fargate_constructs.caveats.open_findings import open_findings
from fargate_constructs.synthesized.assembly import app_templates
from fargate_constructs.synthesized.egress_proof import has_known_ipv6
from fargate_constructs.synthesized.stored_sources import read_stored
from fargate_constructs.synthesized.stored_templates import read_app
from tests import modes


def test_they_find_the_same_without_the_app() -> None:
    """Findings, notes and acknowledgments are the pack's, except what only constructs know: IPv6 ranges."""
    app = modes.app()
    live = FargateApp(app_templates(app), partial(has_known_ipv6, app))
    stored = FargateApp(read_stored(read_app(Path(app.synth().directory), all_stacks=True)))
    found, expected = (
        {(path, each.id, each.got) for path, each in open_findings(each_app)} for each_app in (stored, live)
    )

    assert expected
    assert expected <= found
    assert all(id_ == "Undecided" and "Ipv6Egress for " in got for _, id_, got in found - expected)
