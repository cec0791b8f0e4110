"""The sockets of this process, whoever opened them: Granian's are known to Linux alone."""

import os
import socket
import stat
import struct
from collections.abc import Iterator

# `struct tcp_info` of linux/tcp.h: eight bytes, then numbers of 32 bits; times in milliseconds.
_LAST_DATA_SENT = 8 + 4 * 9


def opened() -> Iterator[socket.socket]:
    """Each socket that is open now; it is lent until the next is asked for."""
    for descriptor in map(int, os.listdir("/proc/self/fd")):
        try:
            if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                continue
            lent = socket.socket(fileno=os.dup(descriptor))
        except OSError:  # closed meanwhile
            continue
        with lent:
            try:
                yield lent
            except OSError:  # closed by its owner or by the other side while we looked
                continue


def hang_up(address: str, silent_seconds: float) -> int:
    """How many connections from `address` were ended, to which nothing was sent for so long.

    These wait for a request, kept and idle or never completed. One that is being answered is
    sent something sooner.
    """
    ended = 0
    for one in opened():
        if one.family not in (socket.AF_INET, socket.AF_INET6) or one.type != socket.SOCK_STREAM:
            continue
        try:
            peer = one.getpeername()[0].removeprefix("::ffff:")
            if (
                peer == address.removeprefix("::ffff:")
                and _unanswered_seconds(one) > silent_seconds
            ):
                one.shutdown(socket.SHUT_RDWR)
                ended += 1
        except OSError:  # it listens, or has ended
            continue
    return ended


def _unanswered_seconds(one: socket.socket) -> float:
    info = one.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
    [milliseconds] = struct.unpack_from("I", info, _LAST_DATA_SENT)
    return float(milliseconds) / 1000
