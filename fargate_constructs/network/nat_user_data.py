"""The script that makes a fresh machine a NAT instance."""

from aws_cdk import Aws

# Linux tracks as many connections as its hash table has buckets, one for 128 KiB of memory: 4,096 at most on 512 MiB;
# it drops what comes after. This is what it allows itself with more than 4 GiB; full, the table takes about 100 MB
# (nf_conntrack_init_start in the kernel's net/netfilter/nf_conntrack_core.c;
# https://docs.kernel.org/networking/nf_conntrack-sysctl.html).
TRACKED_CONNECTIONS = 262_144
HASH_BUCKETS = 65_536
# After how many idle seconds a NAT gateway forgets a connection; Linux would keep it for five days
# (https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-troubleshooting.html).
IDLE_TIMEOUT = 350
# What `dnf` needs beyond the memory of the smallest machines (github.com/amazonlinux/amazon-linux-2023/issues/404).
SWAP_MIB = 512
INSTALL_ATTEMPTS = 5


def user_data(*, group: str) -> str:
    """Return the script. It runs once, at the first boot, and its settings survive a reboot."""
    return f"""#!/bin/bash
set -euo pipefail

# A machine that is no NAT must go: the group launches another, with this interface and its addresses.
replace_unless_ready() {{ [ "$?" -eq 0 ] || shutdown -h now; }}
trap replace_unless_ready EXIT

# The smallest machines have too little memory for dnf.
install --mode=600 /dev/null /swapfile
dd if=/dev/zero of=/swapfile bs=1M count={SWAP_MIB} status=none
mkswap /swapfile
swapon /swapfile

# The image has no nftables; other programs that start may hold dnf's lock, and the repositories may be slow.
attempts=1
until timeout 120 dnf install --assumeyes nftables aws-cfn-bootstrap; do
  if [ "$attempts" -eq {INSTALL_ATTEMPTS} ]; then exit 1; fi
  attempts=$((attempts + 1))
  sleep 10
done

interface=$(ip -4 route show default | awk '{{ print $5; exit }}')
echo nf_conntrack > /etc/modules-load.d/nat.conf
cat > /etc/sysctl.d/90-nat.conf <<END
net.ipv4.ip_forward = 1
net.ipv4.conf.all.send_redirects = 0
net.ipv4.conf.$interface.send_redirects = 0
net.netfilter.nf_conntrack_buckets = {HASH_BUCKETS}
net.netfilter.nf_conntrack_max = {TRACKED_CONNECTIONS}
net.netfilter.nf_conntrack_tcp_timeout_established = {IDLE_TIMEOUT}
END
modprobe nf_conntrack
sysctl -p /etc/sysctl.d/90-nat.conf

cat > /etc/sysconfig/nftables.conf <<'END'
table ip nat {{
  chain postrouting {{
    type nat hook postrouting priority srcnat; policy accept;
    oifname != "lo" masquerade
  }}
}}
END
systemctl enable --now nftables

# A stack that is being deployed waits for this; one that is not takes no signals.
/opt/aws/bin/cfn-signal --success true --stack {Aws.STACK_NAME} --resource {group} --region {Aws.REGION} || true
"""
