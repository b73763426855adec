"""Lines to PostgreSQL that notice a silent end.

A server that loses its power, or a firewall that forgets, says nothing: what we send is never acknowledged, and the
kernel tries again for a quarter of an hour. A limit on each statement's time would also end what may take long, such as
building an index; so it is the kernel that is told how long bytes may go unacknowledged, and to ask an idle line
whether it lives."""

import contextlib
import os
import socket
import sys
from typing import Any

UNHEARD_MS = 10_000
ASK_AFTER_SECONDS, ASK_EVERY_SECONDS, ASK_TIMES = 30, 5, 3


def make_alert(driver: Any) -> None:
    """`driver` is a connection of asyncpg's. Where the kernel knows no such limits, it is left as it is."""
    if sys.platform != "linux":
        return
    line = driver._transport.get_extra_info("socket")
    if line is None or line.family == socket.AF_UNIX:
        return
    with contextlib.suppress(OSError), socket.socket(fileno=os.dup(line.fileno())) as own:  # uvloop's is only a view
        own.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        own.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, ASK_AFTER_SECONDS)
        own.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, ASK_EVERY_SECONDS)
        own.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, ASK_TIMES)
        own.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNHEARD_MS)
