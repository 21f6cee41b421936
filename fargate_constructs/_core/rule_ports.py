"""The ports of security group rules. Node.js is asked for each port once."""

from functools import cache

from aws_cdk import aws_ec2 as ec2

tcp_port, udp_port = cache(ec2.Port.tcp), cache(ec2.Port.udp)
port_text = cache(ec2.Port.to_string)
