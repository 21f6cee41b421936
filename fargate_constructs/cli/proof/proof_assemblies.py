"""Synthesizes the app of a proof, and computes what it costs while it is deployed.

python -m fargate_constructs.proof_app ──> a cloud assembly for each state ──> USD
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fargate_constructs.cli.proof.proof_state import ProofState

APP = "fargate_constructs.proof_app"

# USD an hour in us-east-1, as listed in November 2026. AWS bills a part of an hour of the first two as a whole one.
NAT_GATEWAY = 0.045  # https://aws.amazon.com/vpc/pricing/
LOAD_BALANCER = 0.0225  # https://aws.amazon.com/elasticloadbalancing/pricing/
PUBLIC_ADDRESS = 0.005  # https://aws.amazon.com/vpc/pricing/
CPU_UNIT, MIB = 0.04048 / 1024, 0.004445 / 1024  # https://aws.amazon.com/fargate/pricing/
# A GB of images and logs through NAT gateways, load balancer capacity, alarms, requests, and Athena's minimum.
USAGE = 0.15
# New tasks run beside the old ones in deployments, and one for each zone finds its address.
MOST_TASKS_PER_TASK = 2
USUAL_HOURS, MOST_HOURS = 1, 3


def synthesize(state: ProofState, folder: Path) -> None:
    """Write the assemblies of the app of a proof, unless they are there.

    The app is a program of its own, because the command line does not load the constructs.

    Raises:
        ValueError: If the app does not synthesize.
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
    """Return what the resources of a template cost for some hours, with the usage of one proof."""
    return round(hours * _usd_an_hour(template["Resources"]) + USAGE, 2)


def _usd_an_hour(resources: Mapping[str, Any]) -> float:
    cost = 0.0
    for resource in resources.values():
        properties = resource.get("Properties", {})
        match resource["Type"]:
            case "AWS::EC2::NatGateway":
                cost += NAT_GATEWAY
            case "AWS::EC2::EIP":
                cost += PUBLIC_ADDRESS
            case "AWS::ElasticLoadBalancingV2::LoadBalancer":  # with an address in each zone
                cost += LOAD_BALANCER + PUBLIC_ADDRESS * len(properties["Subnets"])
            case "AWS::ECS::Service":
                task = resources[properties["TaskDefinition"]["Ref"]]["Properties"]
                one = int(task["Cpu"]) * CPU_UNIT + int(task["Memory"]) * MIB
                cost += one * MOST_TASKS_PER_TASK * _tasks(resources)
    return cost


def _tasks(resources: Mapping[str, Any]) -> int:
    """Return the largest of the least numbers of tasks, which is at least that of each service."""
    targets = [each for each in resources.values() if each["Type"] == "AWS::ApplicationAutoScaling::ScalableTarget"]
    return max(int(each["Properties"]["MinCapacity"]) for each in targets)
