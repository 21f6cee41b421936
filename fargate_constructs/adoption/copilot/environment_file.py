"""Writes copilot_environment.py: what Copilot made for an environment, imported by the exports of its stack."""

import json
from collections.abc import Mapping, Sequence

from fargate_constructs.adoption.copilot.code import INDENT, WIDTH

MODULES = {
    "cloudwatch": "aws_cloudwatch",
    "ec2": "aws_ec2",
    "ecr_assets": "aws_ecr_assets",
    "ecs": "aws_ecs",
    "efs": "aws_efs",
    "elbv2": "aws_elasticloadbalancingv2",
    "logs": "aws_logs",
    "scheduler": "aws_scheduler",
    "secretsmanager": "aws_secretsmanager",
    "servicediscovery": "aws_servicediscovery",
    "sns": "aws_sns",
    "sqs": "aws_sqs",
    "ssm": "aws_ssm",
    "subscriptions": "aws_sns_subscriptions",
}


def environment_module(application: str, subnets: Mapping[str, int], modules: Sequence[str], *, root: str) -> str:
    """Return the code that imports what Copilot made for each environment, as far as the app uses it."""
    code = "\n".join(modules)
    numbers = set(subnets.values())
    count = str(numbers.pop()) if len(numbers) == 1 else f"{json.dumps(dict(subnets))}[name]"
    body = _ENVIRONMENT
    for place, (use, part) in _PARTS.items():
        body = body.replace(f"{place}\n", part if use in code else "")
    body = body.replace("@COUNT@", count).replace("@APP@", application)
    head, constants = "", ""
    if "WORKSPACE" in code:
        line = f"WORKSPACE = {root}"
        line = line if len(line) <= WIDTH else f"WORKSPACE = (\n{INDENT}{root}\n)"
        head = "from pathlib import Path\n\n"
        constants = f"\n\n# The paths of Copilot's manifests begin here.\n{line}"
    imports = ["from aws_cdk import Fn, Stack" if "Stack." in body else "from aws_cdk import Fn"]
    for alias, module in sorted(MODULES.items(), key=lambda item: item[1]):
        if f"{alias}." in body:
            imports.append(f"from aws_cdk import {module} as {alias}")
    imports += ["from constructs import Construct", "from fargate_constructs import FixedEgressNetwork"]
    title = f'"""What Copilot made for {application}, and keeps: networks, clusters, load balancers."""'
    return f"{title}\n\n{head}" + "\n".join(imports) + constants + "\n\n\n" + body


_ENVIRONMENT = '''class CopilotEnvironment(Construct):
    """The resources of one environment, by the exports of its stack."""

    def __init__(self, scope: Construct, id: str, name: str) -> None:
        super().__init__(scope, id)
        self.name = name
        subnets = @COUNT@
        zones = Fn.get_azs()
        self.vpc = ec2.Vpc.from_vpc_attributes(
            self,
            "Vpc",
            vpc_id=self.export("VpcId"),
            availability_zones=[Fn.select(n, zones) for n in range(subnets)],
@PUBLIC@
            private_subnet_ids=self._list("PrivateSubnets", subnets),
        )
        self.network = FixedEgressNetwork.from_vpc(self, "Network", self.vpc)
        self.cluster = ecs.Cluster.from_cluster_attributes(
            self, "Cluster", cluster_name=self.export("ClusterId"), vpc=self.vpc
        )
        # Copilot's rules let the load balancers and the other services in.
        self.security_group = ec2.SecurityGroup.from_security_group_id(
            self,
            "SecurityGroup",
            self.export("EnvironmentSecurityGroup"),
            mutable=False,
        )
@NAMESPACE@

    def export(self, name: str) -> str:
        """Return an export of the environment's stack."""
        return Fn.import_value(f"@APP@-{self.name}-{name}")

    def _list(self, name: str, length: int) -> list[str]:
        """Return an export that is a list."""
        values = Fn.split(",", self.export(name))
        return [Fn.select(index, values) for index in range(length)]

    def variables(self, service: str) -> dict[str, str]:
        """Return the variables that Copilot gives each container."""
        return {
            "COPILOT_APPLICATION_NAME": "@APP@",
            "COPILOT_ENVIRONMENT_NAME": self.name,
            "COPILOT_SERVICE_NAME": service,
            "COPILOT_SERVICE_DISCOVERY_ENDPOINT": f"{self.name}.@APP@.local",
        }
@LISTENER@
@SUBNETS@
@SECURITY_GROUPS@
'''
# What some apps use: where it is, the code that uses it, and what it is.
_PARTS = {
    "@PUBLIC@": ("TcpEndpoint(", '            public_subnet_ids=self._list("PublicSubnets", subnets),\n'),
    "@NAMESPACE@": (
        "environment.namespace",
        """        namespace_id = self.export("ServiceDiscoveryNamespaceID")
        self.namespace = (
            servicediscovery.PrivateDnsNamespace.from_private_dns_namespace_attributes(
                self,
                "Namespace",
                namespace_id=namespace_id,
                namespace_name=f"{name}.@APP@.local",
                namespace_arn=Stack.of(self).format_arn(
                    service="servicediscovery",
                    resource="namespace",
                    resource_name=namespace_id,
                ),
            )
        )
""",
    ),
    "@LISTENER@": (
        "environment.listener(",
        '''
    def listener(self, export: str) -> elbv2.IApplicationListener:
        """Return a listener of a load balancer."""
        return elbv2.ApplicationListener.from_application_listener_attributes(
            self,
            export,
            listener_arn=self.export(export),
            security_group=self.security_group,
        )
''',
    ),
    "@SUBNETS@": (
        "environment.subnets(",
        '''
    def subnets(self, ids: list[str]) -> list[ec2.ISubnet]:
        """Import subnets."""
        return [ec2.Subnet.from_subnet_id(self, each, each) for each in ids]
''',
    ),
    "@SECURITY_GROUPS@": (
        "environment.security_groups(",
        '''
    def security_groups(self, ids: list[str]) -> list[ec2.ISecurityGroup]:
        """Import security groups."""
        return [
            ec2.SecurityGroup.from_security_group_id(self, each, each, mutable=False)
            for each in ids
        ]
''',
    ),
}
