"""The machine instead of a NAT gateway."""

import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk.assertions import Match, Template

from fargate_constructs.network.elastic_ip_pool import ElasticIpPool
from fargate_constructs.network.nat_instance import NatInstance
from tests.templates import properties

BASH = "/bin/bash"
# What the script runs that is not to be run here.
COMMANDS = ("cfn-signal", "dd", "dnf", "ip", "mkswap", "modprobe", "shutdown", "sleep", "swapon", "sysctl", "systemctl")
DEFAULT_ROUTE = "default via 10.0.0.1 dev ens5 proto dhcp src 10.0.0.5 metric 512"


def nat_in(stack: Stack, instance_type: ec2.InstanceType | None = None) -> NatInstance:
    """Return a NAT instance in a VPC without other egress."""
    vpc = ec2.Vpc(stack, "Vpc", nat_gateways=0)
    (allocation_id,) = ElasticIpPool(stack, "Pool").allocation_ids
    return NatInstance(
        stack,
        "Nat",
        vpc=vpc,
        subnet=vpc.public_subnets[0],
        allocation_id=allocation_id,
        instance_type=instance_type,
    )


def template_of(instance_type: ec2.InstanceType | None = None) -> Template:
    """Return the template of a stack with a NAT instance."""
    stack = Stack(App(), "Test")
    nat_in(stack, instance_type)
    return Template.from_stack(stack)


@pytest.fixture(scope="module")
def template() -> Template:
    """The template with everything as it is by default."""
    return template_of()


def only(template: Template, kind: str) -> tuple[str, dict[str, Any]]:
    """Return the logical ID and the definition of the only resource of a type."""
    ((logical_id, resource),) = template.find_resources(kind).items()
    return logical_id, dict(resource)


def script_of(template: Template) -> str:
    """Return the machine's script as EC2 runs it, with values for references."""
    _, launch_template = only(template, "AWS::EC2::LaunchTemplate")
    values = {
        "AWS::StackName": "Test",
        "AWS::Region": "eu-west-1",
        "PrimaryPrivateIpAddress": "10.0.0.5",
    }

    def render(piece: Any) -> Any:  # noqa: ANN401 - a piece of a template
        match piece:
            case {"Fn::Join": [separator, pieces]}:
                return str(separator).join(map(render, pieces))
            case {"Ref": name} | {"Fn::GetAtt": [_, name]}:
                return values[name]
            case _:
                return piece

    return str(render(launch_template["Properties"]["LaunchTemplateData"]["UserData"]["Fn::Base64"]))


def test_the_interface_holds_the_address_and_forwards(template: Template) -> None:
    """The interface accepts packets for other addresses, and has the Elastic IP."""
    interface_id, interface = only(template, "AWS::EC2::NetworkInterface")
    _, association = only(template, "AWS::EC2::EIPAssociation")
    elastic_ip, _ = only(template, "AWS::EC2::EIP")

    assert interface["Properties"]["SourceDestCheck"] is False
    assert association["Properties"] == {
        "AllocationId": {"Fn::GetAtt": [elastic_ip, "AllocationId"]},
        "NetworkInterfaceId": {"Fn::GetAtt": [interface_id, "Id"]},
        "PrivateIpAddress": {"Fn::GetAtt": [interface_id, "PrimaryPrivateIpAddress"]},
    }


def test_each_machine_is_launched_with_the_interface(template: Template) -> None:
    """A new machine has the address and the routes at once; the interface stays, in its own zone."""
    interface_id, interface = only(template, "AWS::EC2::NetworkInterface")
    subnet = template.find_resources("AWS::EC2::Subnet")[interface["Properties"]["SubnetId"]["Ref"]]
    _, launch_template = only(template, "AWS::EC2::LaunchTemplate")
    _, group = only(template, "AWS::AutoScaling::AutoScalingGroup")

    assert launch_template["Properties"]["LaunchTemplateData"]["NetworkInterfaces"] == [
        {
            "DeviceIndex": 0,
            "NetworkInterfaceId": {"Fn::GetAtt": [interface_id, "Id"]},
            "DeleteOnTermination": False,
        },
    ]
    assert group["Properties"]["AvailabilityZones"] == [subnet["Properties"]["AvailabilityZone"]]
    assert "VPCZoneIdentifier" not in group["Properties"]
    assert "SecurityGroupIds" not in launch_template["Properties"]["LaunchTemplateData"]


def test_one_machine_at_a_time_without_permissions(template: Template) -> None:
    """No role, a session for metadata, an encrypted disk; all traffic is allowed from the VPC, and out."""
    (group,) = template.find_resources("AWS::AutoScaling::AutoScalingGroup").values()
    (launch,) = properties(template, "AWS::EC2::LaunchTemplate")
    (firewall,) = properties(template, "AWS::EC2::SecurityGroup")
    data, (disk,) = launch["LaunchTemplateData"], launch["LaunchTemplateData"]["BlockDeviceMappings"]

    maintenance = {"MinHealthyPercentage": 0, "MaxHealthyPercentage": 100}
    assert group["Properties"].items() >= {"MinSize": "1", "MaxSize": "1", "HealthCheckType": "EC2"}.items()
    assert group["Properties"]["InstanceMaintenancePolicy"] == maintenance
    assert "DesiredCapacity" not in group["Properties"]
    assert group["UpdatePolicy"]["AutoScalingRollingUpdate"]["MinInstancesInService"] == 0
    template.resource_count_is("AWS::IAM::Role", 0)
    assert data.keys().isdisjoint({"IamInstanceProfile", "KeyName"})
    assert data["MetadataOptions"] == {"HttpTokens": "required", "HttpPutResponseHopLimit": 1}
    assert data["InstanceInitiatedShutdownBehavior"] == "terminate"
    assert disk["DeviceName"] == "/dev/xvda"
    assert disk["Ebs"] == {"Encrypted": True, "VolumeType": "gp3", "DeleteOnTermination": True}
    assert [(each["CidrIp"], each["IpProtocol"]) for each in firewall["SecurityGroupIngress"]] == [
        ("10.0.0.0/16", "-1")
    ]
    assert [(each["CidrIp"], each["IpProtocol"]) for each in firewall["SecurityGroupEgress"]] == [("0.0.0.0/0", "-1")]


def test_a_deployment_waits_for_the_machine(template: Template) -> None:
    """A new launch template replaces the machine; the deployment waits for the signal of the new one."""
    launch_template_id, _ = only(template, "AWS::EC2::LaunchTemplate")
    group_id, group = only(template, "AWS::AutoScaling::AutoScalingGroup")

    assert group["Properties"]["LaunchTemplate"]["Version"] == {
        "Fn::GetAtt": [launch_template_id, "LatestVersionNumber"],
    }
    assert group["CreationPolicy"] == {"ResourceSignal": {"Count": 1, "Timeout": "PT15M"}}
    assert group["UpdatePolicy"]["AutoScalingRollingUpdate"]["WaitOnResourceSignals"] is True
    assert f"cfn-signal --success true --stack Test --resource {group_id} --region eu-west-1" in script_of(template)


def test_the_machine_has_its_way_out_before_it_starts(template: Template) -> None:
    """It installs packages through the Elastic IP and the internet gateway, so both are made first."""
    _, group = only(template, "AWS::AutoScaling::AutoScalingGroup")
    _, interface = only(template, "AWS::EC2::NetworkInterface")
    association_id, _ = only(template, "AWS::EC2::EIPAssociation")
    routes = template.find_resources("AWS::EC2::Route", {"Properties": {"GatewayId": Match.any_value()}})
    public_route = f"{interface['Properties']['SubnetId']['Ref'].rpartition('Subnet')[0]}DefaultRoute"

    assert association_id in group["DependsOn"]
    assert [route for route in routes if route.startswith(public_route) and route in group["DependsOn"]]


def test_the_image_fits_the_machine(template: Template) -> None:
    """Each launch takes the newest Amazon Linux 2023 for the machine's processor."""
    stack = Stack(App(), "Test")
    vpc = ec2.Vpc(stack, "Vpc", nat_gateways=0)
    for number, size in enumerate(("c7gn.medium", "t3.small")):
        NatInstance(
            stack,
            f"Nat{number}",
            vpc=vpc,
            subnet=vpc.public_subnets[0],
            allocation_id="eipalloc-1",
            instance_type=ec2.InstanceType(size),
        )
    found = [
        each["LaunchTemplateData"]
        for source in (template, stack)
        for each in properties(source, "AWS::EC2::LaunchTemplate")
    ]
    image = "resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-"
    assert [(each["InstanceType"], each["ImageId"].removeprefix(image)) for each in found] == [
        ("t4g.nano", "arm64"),
        ("c7gn.medium", "arm64"),
        ("t3.small", "x86_64"),
    ]


def test_ids_depend_on_nothing_but_the_place(template: Template) -> None:
    """Another machine type renames and replaces nothing, and bash can read the script."""
    other = template_of(instance_type=ec2.InstanceType("m7i.large"))

    assert other.to_json()["Resources"].keys() == template.to_json()["Resources"].keys()
    subprocess.run([BASH, "-n"], input=script_of(other), text=True, check=True)


def test_routes_and_rules_have_their_handles(stack: Stack) -> None:
    """Routes lead to the interface, and other security groups can refer to the instance's."""
    nat = nat_in(stack)
    neighbour = ec2.SecurityGroup(stack, "Neighbour", vpc=ec2.Vpc(stack, "Other", nat_gateways=0))
    nat.connections.allow_from(neighbour, ec2.Port.icmp_ping())

    template = Template.from_stack(stack)
    interface_id, _ = only(template, "AWS::EC2::NetworkInterface")
    assert stack.resolve(nat.network_interface_id) == {"Fn::GetAtt": [interface_id, "Id"]}
    template.has_resource_properties("AWS::EC2::SecurityGroupIngress", {"IpProtocol": "icmp"})


# --- The script, run with commands that only write down how they were called ---


@dataclass(frozen=True)
class Run:
    """What came of running the script."""

    exit_code: int
    calls: Sequence[str]
    files: Mapping[str, str]

    def called(self, command: str) -> int:
        """Return how often a command was called."""
        return sum(call.split()[0] == command for call in self.calls)


@pytest.fixture
def run(template: Template, tmp_path: Path) -> Callable[..., Run]:
    """A runner of the script in a folder of its own, given how often each command fails before it works."""

    def run_script(**failures: int) -> Run:
        commands = tmp_path / "bin"
        commands.mkdir()
        for directory in ("modules-load.d", "sysctl.d", "sysconfig"):
            (tmp_path / "etc" / directory).mkdir(parents=True)
        for name in COMMANDS:
            times = failures.get(name.replace("-", "_"), 0)
            (commands / name).write_text(
                f"#!{BASH}\n"
                f'echo "{name} $*" >> calls\n'
                f'[ "$(grep -c "^{name} " calls)" -gt {times} ] || exit 1\n'
                + (f"echo '{DEFAULT_ROUTE}'\n" if name == "ip" else "")
            )
            (commands / name).chmod(0o755)
        script = script_of(template).replace("/opt/aws/bin/", "")
        for place in ("/etc/", "/swapfile"):
            script = script.replace(f" {place}", f" .{place}")
        exit_code = subprocess.run(
            [BASH, "-c", script],
            cwd=tmp_path,
            env={"PATH": f"{commands}:/usr/bin:/bin"},
            check=False,
            timeout=60,
        ).returncode
        files = {path.name: path.read_text() for path in (tmp_path / "etc").rglob("*") if path.is_file()}
        return Run(exit_code, (tmp_path / "calls").read_text().splitlines(), files)

    return run_script


def test_the_script_makes_a_nat(template: Template, run: Callable[..., Run]) -> None:
    """It installs nftables, forwards and masquerades, also after a reboot, and then sends the signal."""
    done = run()

    assert script_of(template).startswith("#!/bin/bash\n")  # so that cloud-init runs it
    assert (done.exit_code, done.called("shutdown")) == (0, 0)
    assert "dnf install --assumeyes nftables aws-cfn-bootstrap" in done.calls
    assert done.calls[-3:] == [
        "sysctl -p ./etc/sysctl.d/90-nat.conf",
        "systemctl enable --now nftables",
        done.calls[-1],
    ]
    assert done.calls[-1].startswith("cfn-signal --success true")
    assert done.files["nat.conf"] == "nf_conntrack\n"
    assert {"net.ipv4.ip_forward = 1", "net.ipv4.conf.ens5.send_redirects = 0"} <= set(
        done.files["90-nat.conf"].splitlines(),
    )
    assert 'oifname != "lo" masquerade' in done.files["nftables.conf"]


def test_the_script_installs_again_when_that_failed(run: Callable[..., Run]) -> None:
    """It tries up to five times."""
    done = run(dnf=4)

    assert done.exit_code == 0
    assert (done.called("dnf"), done.called("shutdown")) == (5, 0)


@pytest.mark.parametrize("command", ["dd", "dnf", "ip", "mkswap", "modprobe", "swapon", "sysctl", "systemctl"])
def test_a_machine_that_fails_shuts_down(run: Callable[..., Run], command: str) -> None:
    """After a failure the machine shuts down without a signal, so that the group launches another."""
    done = run(**{command: 99})

    assert done.exit_code != 0
    assert done.calls[-1] == "shutdown -h now"
    assert done.called("cfn-signal") == 0


def test_a_stack_at_rest_takes_no_signal(run: Callable[..., Run]) -> None:
    """A machine that the group replaced stays, although no deployment waits for its signal."""
    done = run(cfn_signal=99)

    assert (done.exit_code, done.called("shutdown")) == (0, 0)
