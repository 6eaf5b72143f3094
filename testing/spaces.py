"""Network namespaces: hosts that have every port of their own, as machines do."""

import os
import subprocess
from pathlib import Path

from testing import port_slot

CAN = os.geteuid() == 0 and Path("/sys/class/net").is_dir() and Path("/usr/sbin/ip").exists()


def run_ip(*arguments: str, check: bool = True) -> None:
    """Run `ip` with *arguments*."""
    subprocess.run(["ip", *arguments], check=check, capture_output=True)


def make(number: int) -> tuple[str, str]:
    """Make a namespace with a line to ours; return its name and its address."""
    slot = port_slot.own() // 10
    name, link, base = f"ts-{slot}-{number}", f"ts{slot}n{number}", f"10.231.{slot}.{number * 4}"
    ours, address = (f"{base.rpartition('.')[0]}.{number * 4 + own}" for own in (1, 2))
    end(name)
    run_ip("link", "del", link, check=False)
    run_ip("netns", "add", name)
    run_ip("link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", name)
    run_ip("addr", "add", f"{ours}/30", "dev", link)
    run_ip("link", "set", link, "up")
    for words in (
        ("addr", "add", f"{address}/30", "dev", "eth0"),
        ("link", "set", "eth0", "up"),
        ("link", "set", "lo", "up"),
    ):
        run_ip("-n", name, *words)
    return name, address


def end(name: str) -> None:
    """Delete a namespace, and its line with it."""
    run_ip("netns", "del", name, check=False)
