"""Keeps tests on this machine: a connection or a name look-up that leaves loopback is refused, and fails its test.

It listens to the interpreter's audit events, so nothing of anybody's code is replaced. The refusal is no `OSError`:
code that mends network failures would hide it."""

import ipaddress
import sys
from typing import Any

LOCAL_NAMES = {"localhost", "", "0.0.0.0", "::", "::1"}
refused: list[str] = []


class LeftTheMachine(RuntimeError):
    """Something in a test wanted to talk to the outside world."""


def watch() -> None:
    """Begin to refuse; audit hooks stay for the life of the process."""
    sys.addaudithook(_hear)


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect" and not _is_local(arguments[1]):
        _refuse(f"a connection to {arguments[1]!r}")
    elif event == "socket.sendto" and not _is_local(arguments[1]):
        _refuse(f"a datagram to {arguments[1]!r}")
    elif event == "socket.getaddrinfo" and not _is_local((arguments[0],)):
        _refuse(f"a look-up of {arguments[0]!r}")


def _is_local(address: Any) -> bool:
    if not isinstance(address, tuple):
        return True  # a path: a Unix socket
    host = address[0].decode() if isinstance(address[0], bytes) else str(address[0] or "")
    if host in LOCAL_NAMES:
        return True
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _refuse(what: str) -> None:
    refused.append(what)
    raise LeftTheMachine(what)
