"""Synthesizes the app of a proof, and computes what it costs while it is deployed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fargate_constructs.cli.prove.proof_state import ProofState
from fargate_constructs.costs.bill import bill_of
from fargate_constructs.costs.price_list import DEFAULT, HOURS, TASKS
from fargate_constructs.synthesized.comparable_template import TemplateTree
from fargate_constructs.synthesized.stored_sources import read_stored
from fargate_constructs.synthesized.stored_templates import StoredStack

APP = "fargate_constructs.proof_app"

# A GB of images and logs through NAT gateways, load balancer capacity, requests, and Athena's minimum.
USAGE = 0.15
# New tasks run beside the old ones in deployments, and one for each zone finds its address.
TASKS_AT_A_TIME = 2
USUAL_HOURS, MOST_HOURS = 1, 3


def synthesize(state: ProofState, folder: Path) -> None:
    """Write the assemblies of the app of a proof, unless they are there.

    The app is a program of its own, because the command line does not load the constructs.
    """
    if folder.exists():
        return
    new = folder.with_name(f"{folder.name}.new")
    program = [sys.executable, "-m", APP, str(new), state.stack_name, state.bucket]
    done = subprocess.run(program, capture_output=True, text=True, check=False)  # noqa: S603 - our own module
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:]
        raise ValueError(f"the app of the proof must synthesize, got: {' '.join(last) or 'no reason'}")
    new.rename(folder)


def usd_of(state: ProofState, folder: Path, hours: float) -> float:
    """Return what the app costs for some hours."""
    return usd(json.loads((folder / "first" / f"{state.stack_name}.template.json").read_text()), hours)


def usd(template: Mapping[str, Any], hours: float) -> float:
    """Return what the resources of a template cost for some hours, at list prices, with the usage of one proof.

    AWS bills a part of an hour of NAT gateways and load balancers as a whole one.
    """
    cost = 0.0
    stack = StoredStack("Proof", TemplateTree(template))
    for name, count in bill_of(read_stored([stack])).counts.items():
        a_month = DEFAULT.usd_a_month(name, count)
        cost += a_month / HOURS * hours * (TASKS_AT_A_TIME if name in TASKS else 1)
    return round(cost + USAGE, 2)
