"""A NAT instance: one small machine instead of a NAT gateway, replaced when it fails.

```
task ──> default route ──> network interface ──> Elastic IP ──> internet
                                  │ stays
                          [NatInstance]: one machine at a time
```
"""

from typing import cast

import jsii
from aws_cdk import CfnAutoScalingRollingUpdate, CfnCreationPolicy, CfnResourceSignal, CfnUpdatePolicy, Fn, Tags
from aws_cdk import aws_autoscaling as autoscaling
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from fargate_constructs._core.nag_suppressions import acknowledge
from fargate_constructs._core.subnets import internet_access_of
from fargate_constructs.network.nat_user_data import user_data

# Amazon Linux 2023 with its default kernel, for the architecture at the end
# (https://docs.aws.amazon.com/linux/al2023/ug/ec2.html). The standard image, not the minimal one.
IMAGE_PARAMETER = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-"
ARCHITECTURES = {ec2.InstanceArchitecture.ARM_64: "arm64", ec2.InstanceArchitecture.X86_64: "x86_64"}
# Two minutes are enough (an estimate); the rest is for launches that EC2 refuses while the previous machine is still
# shutting down and has the interface.
READY_WITHIN = "PT15M"  # an ISO 8601 duration


@jsii.implements(ec2.IConnectable)
class NatInstance(Construct):
    """A machine instead of a NAT gateway, on an Elastic IP and a network interface that stay when it is replaced.

    The interface has the Elastic IP, and default routes lead to it. An Auto Scaling group keeps one machine running
    and launches each machine with this interface, so a new machine has the address and the routes at once, and needs
    no other public address. It has no role, so it may call no AWS API. A machine that cannot set itself up shuts down,
    and the group launches another.

    A deployment waits until the machine forwards traffic; what needs egress should depend on the construct.

    Differences from a NAT gateway:

    - It is one machine in one zone. When it is replaced, because it failed or because a deployment changed it, open
      connections break and there is no egress for some two minutes (an estimate: terminate, launch, install), plus
      the one or two that EC2 needs to notice a machine that hangs; longer if the zone is short of machines.
    - The group replaces it only if EC2's status checks fail: a machine that runs but forwards nothing stays.
    - A t4g.nano sustains 32 Mbit/s, and 5 Gbit/s for minutes at a time
      (https://docs.aws.amazon.com/ec2/latest/instancetypes/gp.html#gp_network).
    - It is not patched. Each machine starts from the newest Amazon Linux 2023 image, which EC2 looks up at launch:
      a deployment does not replace the machine, `aws autoscaling start-instance-refresh` does.
    - While a machine sets itself up it needs Amazon Linux's package repositories, which are in the region's S3.

    There is no login. `aws ec2 get-console-output` shows the output of the setup.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        vpc: ec2.Vpc,
        subnet: ec2.ISubnet,
        allocation_id: str,
        instance_type: ec2.InstanceType | None = None,
    ) -> None:
        super().__init__(scope, id)

        instance_type = instance_type or ec2.InstanceType.of(ec2.InstanceClass.T4G, ec2.InstanceSize.NANO)
        self.security_group = self._make_security_group(vpc)
        """The security group, which allows traffic from the VPC."""
        self.network_interface = ec2.CfnNetworkInterface(
            self,
            "Interface",
            subnet_id=subnet.subnet_id,
            group_set=[self.security_group.security_group_id],
            source_dest_check=False,
            description="Holds the Elastic IPs of a NAT instance",
        )
        """The network interface, which keeps its address when the instance is replaced."""
        address = ec2.CfnEIPAssociation(
            self,
            "Address1",
            allocation_id=allocation_id,
            network_interface_id=self.network_interface.attr_id,
            private_ip_address=self.network_interface.attr_primary_private_ip_address,
        )
        self.auto_scaling_group = self._make_group(subnet.availability_zone)
        """The group that replaces an instance that fails."""
        self.launch_template = self._make_launch_template(instance_type)
        """The launch template."""
        self.auto_scaling_group.launch_template = autoscaling.CfnAutoScalingGroup.LaunchTemplateSpecificationProperty(
            launch_template_id=self.launch_template.ref,
            version=self.launch_template.attr_latest_version_number,
        )
        # A machine installs what it needs through its Elastic IP and the subnet's internet gateway.
        # An Elastic IP needs the gateway's attachment, too
        # (https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-dependson.html).
        address.node.add_dependency(internet_access_of(subnet))
        self.auto_scaling_group.node.add_dependency(internet_access_of(subnet), address)
        Tags.of(self).add("Name", self.node.path)
        in_vpc = "All ports, from the VPC's own range only, because tasks may send to all ports."
        acknowledge(self.security_group, {"EC2RestrictedCommonPorts": in_vpc})
        each_launch = "EventBridge gets each launch and termination of the group."
        acknowledge(self.auto_scaling_group, {"AwsSolutions-AS3": each_launch})

    @property
    def connections(self) -> ec2.Connections:
        """The interface's side of security group rules."""
        return self.security_group.connections

    @property
    def network_interface_id(self) -> str:
        """The interface's ID (`eni-…`, a token until deployed): the target of default routes."""
        return self.network_interface.attr_id

    def _make_security_group(self, vpc: ec2.Vpc) -> ec2.SecurityGroup:
        security_group = ec2.SecurityGroup(
            self,
            "SecurityGroup",
            vpc=vpc,
            description="NAT instance: in from the VPC, out to everywhere",
            allow_all_outbound=True,
            disable_inline_rules=False,
        )
        # The literal, since audits cannot read a reference.
        cidr = cast("str", cast("ec2.CfnVPC", vpc.node.default_child).cidr_block)
        security_group.add_ingress_rule(ec2.Peer.ipv4(cidr), ec2.Port.all_traffic(), "What the VPC sends out")
        return security_group

    def _make_group(self, zone: str) -> autoscaling.CfnAutoScalingGroup:
        # The L1, because the L2 names subnets, and a launch template that brings its interface wants zones alone
        # (AvailabilityZones in https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_CreateAutoScalingGroup.html).
        group = autoscaling.CfnAutoScalingGroup(
            self,
            "Group",
            availability_zones=[zone],
            min_size="1",
            max_size="1",
            health_check_type="EC2",
            # The interface can be in one machine only: the old one goes before the new one comes.
            instance_maintenance_policy=autoscaling.CfnAutoScalingGroup.InstanceMaintenancePolicyProperty(
                min_healthy_percentage=0,
                max_healthy_percentage=100,
            ),
        )
        group.cfn_options.creation_policy = CfnCreationPolicy(
            resource_signal=CfnResourceSignal(count=1, timeout=READY_WITHIN),
        )
        group.cfn_options.update_policy = CfnUpdatePolicy(
            auto_scaling_rolling_update=CfnAutoScalingRollingUpdate(
                min_instances_in_service=0,
                max_batch_size=1,
                wait_on_resource_signals=True,
                pause_time=READY_WITHIN,
            ),
        )
        return group

    def _make_launch_template(self, instance_type: ec2.InstanceType) -> ec2.CfnLaunchTemplate:
        # The L1, because the L2 has no way to say which interface.
        return ec2.CfnLaunchTemplate(
            self,
            "LaunchTemplate",
            launch_template_data=ec2.CfnLaunchTemplate.LaunchTemplateDataProperty(
                image_id=f"resolve:ssm:{IMAGE_PARAMETER}{ARCHITECTURES[instance_type.architecture]}",
                instance_type=instance_type.to_string(),
                network_interfaces=[
                    ec2.CfnLaunchTemplate.NetworkInterfaceProperty(
                        device_index=0,
                        network_interface_id=self.network_interface.attr_id,
                        delete_on_termination=False,
                    ),
                ],
                # A machine that shuts down releases the interface at once.
                instance_initiated_shutdown_behavior="terminate",
                metadata_options=ec2.CfnLaunchTemplate.MetadataOptionsProperty(
                    http_tokens="required",
                    http_put_response_hop_limit=1,
                ),
                block_device_mappings=[
                    ec2.CfnLaunchTemplate.BlockDeviceMappingProperty(
                        device_name="/dev/xvda",
                        ebs=ec2.CfnLaunchTemplate.EbsProperty(
                            volume_type="gp3",
                            encrypted=True,
                            delete_on_termination=True,
                        ),
                    ),
                ],
                user_data=Fn.base64(user_data(group=self.auto_scaling_group.logical_id)),
            ),
        )
