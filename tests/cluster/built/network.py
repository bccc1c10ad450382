"""The node's network: its own namespace, joined to the host by one pair of virtual interfaces.

Inside, the addresses of pods (198.18.0.0/17), services (198.19.0.0/16) and ports are the same for every cluster;
nothing collides, because each cluster has a network stack of its own. Only the pair's four addresses differ: pair k
has 198.18.254.(4k+1) on the host and 198.18.254.(4k+2) on the node. All lie in 198.18.0.0/15, the range for
benchmarks, which no router forwards. The pair disappears with the namespace, so there is nothing to keep a list of:
a number is free when no interface of that name exists, and making the interface takes it.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.cluster.errors import ClusterError
from tests.cluster.shell import run

POD_CIDR = "198.18.0.0/17"
SERVICE_CIDR = "198.19.0.0/16"
API_SERVICE = "198.19.0.1"
PAIRS = 63
_INSIDE = "eth0"


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Pair number ``index`` of interfaces."""

    index: int

    @property
    def interface(self) -> str:
        """The host's end."""
        return f"wj{self.index}"

    @property
    def host(self) -> str:
        """The host's address."""
        return f"198.18.254.{4 * self.index + 1}"

    @property
    def node(self) -> str:
        """The node's address: API server, NodePorts, DNS."""
        return f"198.18.254.{4 * self.index + 2}"


def firewall(pair: Pair) -> str:
    """The node's own nftables rules.

    From the host's side nothing but the host itself may come in. Pods may call the host; it answers to the node's
    address, since pod addresses mean nothing to it.
    """
    return f"""
table ip webjobs {{
    chain guard {{
        type filter hook prerouting priority raw; policy accept;
        iifname "{_INSIDE}" ip saddr != {pair.host} drop
    }}
    chain leave {{
        type nat hook postrouting priority srcnat - 10; policy accept;
        oifname "{_INSIDE}" ip saddr {POD_CIDR} masquerade
    }}
}}
"""


def allocate(pid: int) -> Pair:
    """Make the first free pair, one end in the network namespace of process ``pid``.

    Raises:
        ClusterError: no pair is free, or the machine does not allow it.
    """
    problem: ClusterError | None = None
    for index in range(PAIRS):
        pair = Pair(index=index)
        peer = ["peer", "name", _INSIDE, "netns", str(pid)]
        try:
            run(["ip", "link", "add", pair.interface, "type", "veth", *peer])
        except ClusterError as refused:
            problem = refused
            if "File exists" not in str(refused):
                break
            continue
        run(["ip", "address", "add", f"{pair.host}/30", "dev", pair.interface])
        run(["ip", "link", "set", pair.interface, "up"])
        return pair
    raise ClusterError(f"no network for the cluster: {problem}")


def configure(pair: Pair, pid: int) -> None:
    """Set addresses, routes, forwarding and rules inside the namespace of process ``pid``."""
    inside = ["nsenter", f"--net=/proc/{pid}/ns/net", "--"]
    steps = f"""
link set lo up
address add {pair.node}/30 dev {_INSIDE}
link set {_INSIDE} up
route add {SERVICE_CIDR} via {pair.host}
"""
    # The route is never used as such: kube-proxy translates service addresses. Without one the kernel refuses first.
    run([*inside, "ip", "-batch", "-"], stdin=steps.encode())
    sysctl = "echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv4/conf/all/route_localnet"
    run([*inside, "sh", "-ec", sysctl])
    run([*inside, "nft", "-f", "-"], stdin=firewall(pair).encode())


def remove(index: int) -> None:
    """Remove the pair's interfaces, if they are still there."""
    interface = Pair(index=index).interface
    try:
        run(["ip", "link", "delete", interface])
    except ClusterError as gone:
        if "Cannot find device" not in str(gone):
            raise
