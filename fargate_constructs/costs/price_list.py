"""List prices of one region, each with the page that it is from, and how a file replaces them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from fargate_constructs._core.fargate_limits import GIB, USD_PER_GIB, USD_PER_VCPU, VCPU

HOURS = 730  # in a month, as AWS's calculator counts
REGION, DATE = "us-east-1", "2026-11"

ELB = "https://aws.amazon.com/elasticloadbalancing/pricing/"
VPC = "https://aws.amazon.com/vpc/pricing/"
FARGATE = "https://aws.amazon.com/fargate/pricing/"
EC2 = "https://aws.amazon.com/ec2/pricing/on-demand/"
CLOUD_WATCH = "https://aws.amazon.com/cloudwatch/pricing/"
WAF = "https://aws.amazon.com/waf/pricing/"
PRIVATE_LINK = "https://aws.amazon.com/privatelink/pricing/"


class Price(NamedTuple):
    """What one of a thing costs."""

    usd: float
    unit: str
    """`hour` or `month`; of what depends on use, of what."""
    source: str


# What is billed while it exists. Quantities of CPU and memory are in the units of task definitions.
STANDING = {
    "load balancer": Price(0.0225, "hour", ELB),
    "NAT gateway": Price(0.045, "hour", VPC),
    "public IPv4 address": Price(0.005, "hour", VPC),  # used or unused
    "interface endpoint": Price(0.01, "hour", PRIVATE_LINK),  # in each zone
    "accelerator": Price(0.025, "hour", "https://aws.amazon.com/global-accelerator/pricing/"),
    "t4g.nano": Price(0.0042, "hour", EC2),
    "t4g.micro": Price(0.0084, "hour", EC2),
    "t4g.small": Price(0.0168, "hour", EC2),
    "t4g.medium": Price(0.0336, "hour", EC2),
    "CPU unit": Price(USD_PER_VCPU / VCPU, "hour", FARGATE),  # Linux on x86-64
    "MiB of memory": Price(USD_PER_GIB / GIB, "hour", FARGATE),
    "CPU unit (Arm)": Price(0.03238 / VCPU, "hour", FARGATE),
    "MiB of memory (Arm)": Price(0.00356 / GIB, "hour", FARGATE),
    "CPU unit (Windows)": Price((0.09148 + 0.046) / VCPU, "hour", FARGATE),  # with the license
    "MiB of memory (Windows)": Price(0.01005 / GIB, "hour", FARGATE),
    "GB of task storage": Price(0.000111, "hour", FARGATE),  # above 20 GB
    "alarm": Price(0.10, "month", CLOUD_WATCH),  # for each metric that it reads
    "composite alarm": Price(0.50, "month", CLOUD_WATCH),
    "dashboard": Price(3.00, "month", CLOUD_WATCH),  # the first three of an account are free
    "GB of gp3": Price(0.08, "month", "https://aws.amazon.com/ebs/pricing/"),
    "KMS key": Price(1.00, "month", "https://aws.amazon.com/kms/pricing/"),
    "secret": Price(0.40, "month", "https://aws.amazon.com/secrets-manager/pricing/"),
    "web ACL": Price(5.00, "month", WAF),
    "web ACL rule": Price(1.00, "month", WAF),
    "hosted zone": Price(0.50, "month", "https://aws.amazon.com/route53/pricing/"),
}
TASKS = tuple(name for name in STANDING if name.startswith(("CPU unit", "MiB of memory", "GB of task storage")))
# How a quantity is shown: by another name, and how many of it are one.
SHOWN = {"CPU unit": ("vCPU", VCPU), "MiB of memory": ("GB of memory", GIB)}
# What depends on use.
USAGE = {
    "load balancer capacity": Price(0.008, "LCU-hour", ELB),
    "network load balancer capacity": Price(0.006, "NLCU-hour", ELB),
    "data through a NAT gateway": Price(0.045, "GB", VPC),
    "data through an interface endpoint": Price(0.01, "GB", PRIVATE_LINK),
    "data to the internet": Price(0.09, "GB", f"{EC2}#Data_Transfer"),
    "data between zones, in each direction": Price(0.01, "GB", f"{EC2}#Data_Transfer"),
    "tasks while they run: CPU": Price(USD_PER_VCPU, "vCPU-hour", FARGATE),
    "tasks while they run: memory": Price(USD_PER_GIB, "GB-hour", FARGATE),
    "log lines to CloudWatch": Price(0.50, "GB", CLOUD_WATCH),
    "log lines kept in CloudWatch": Price(0.03, "GB-month", CLOUD_WATCH),
    "objects in S3": Price(0.023, "GB-month", "https://aws.amazon.com/s3/pricing/"),
    "invocations of functions": Price(0.20, "million", "https://aws.amazon.com/lambda/pricing/"),
    "data through Firehose": Price(0.029, "GB", "https://aws.amazon.com/firehose/pricing/"),
    "data that Athena scans": Price(5.00, "TB", "https://aws.amazon.com/athena/pricing/"),
    "requests to queues": Price(0.40, "million", "https://aws.amazon.com/sqs/pricing/"),
    "starts by schedules": Price(1.00, "million", "https://aws.amazon.com/eventbridge/pricing/"),
    "transitions of state machines": Price(0.025, "thousand", "https://aws.amazon.com/step-functions/pricing/"),
    "requests through a web ACL": Price(0.60, "million", WAF),
    "requests to an HTTP API": Price(1.00, "million", "https://aws.amazon.com/api-gateway/pricing/"),
    "data from CloudFront": Price(0.085, "GB", "https://aws.amazon.com/cloudfront/pricing/"),
}


class PriceList(NamedTuple):
    """The prices of a region."""

    region: str
    date: str
    standing: Mapping[str, Price]
    usage: Mapping[str, Price]
    defaults: tuple[str, ...] = ()
    """The prices that a file does not have, which are those of `REGION`."""

    def usd_a_month(self, name: str, quantity: float) -> float:
        """Return what a quantity of a thing costs for a month."""
        price = self.standing[name]
        return quantity * price.usd * (HOURS if price.unit == "hour" else 1)


DEFAULT = PriceList(REGION, DATE, STANDING, USAGE)


def read_prices(file: Path) -> PriceList:
    """Return the prices of a file: a JSON object with `region`, `date` and `prices`, the USD of each by its name.

    Raises:
        ValueError: If it is something else, or has a price of something that is not in the list.
    """
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"--prices must be a file of JSON, got {file}: {error}") from error
    match content:
        case {"region": str(region), "date": str(date), "prices": dict(prices)}:
            pass
        case _:
            raise ValueError(
                f'--prices must have "region", "date" and "prices", got {file} with {_keys(content)}; '
                "`fargate-constructs plan --json` prints the prices that it uses"
            )
    known = STANDING | USAGE
    unknown = [name for name in prices if name not in known]
    if unknown:
        raise ValueError(f"prices must be of {', '.join(known)}, got: {', '.join(unknown)}")
    wrong = [
        name for name, usd in prices.items() if isinstance(usd, bool) or not isinstance(usd, int | float) or usd < 0
    ]
    if wrong:
        raise ValueError(f"prices must be numbers in USD, 0 or more, got {prices[wrong[0]]!r} for {wrong[0]}")

    def replaced(table: Mapping[str, Price]) -> dict[str, Price]:
        return {name: each._replace(usd=float(prices.get(name, each.usd))) for name, each in table.items()}

    missing = tuple(name for name in known if name not in prices)
    return PriceList(region, date, replaced(STANDING), replaced(USAGE), missing)


def _keys(content: Any) -> str:  # noqa: ANN401 - what JSON has
    return ", ".join(content) if isinstance(content, dict) else type(content).__name__
