"""Messages on a stream: four bytes of length, then the bytes. Whoever reads says how long one may be."""

import os
import socket
import struct
from collections.abc import Callable

HEAD = struct.Struct("!I")
Read = Callable[[int], bytes]


class BrokenFrame(Exception):
    """A stream that ended inside a message, or a message longer than was wanted."""


class Ended(BrokenFrame):
    """A stream that ended between two messages."""


def write(descriptor: int, payload: bytes) -> None:
    """Write one message whole. Raises OSError when nobody reads any more."""
    left = memoryview(HEAD.pack(len(payload)) + payload)
    while left:
        left = left[os.write(descriptor, left) :]


def read(descriptor: int, most_bytes: int) -> bytes:
    """The next message. Refuses one longer than `most_bytes`; Ended where the stream ends."""
    return _message(lambda size: os.read(descriptor, size), most_bytes)


def read_from(channel: socket.socket, most_bytes: int) -> bytes:
    """The next message of a socket, each part within its timeout. Refuses as `read` does."""
    return _message(channel.recv, most_bytes)


def receive(channel: socket.socket, most_bytes: int) -> tuple[bytes, list[int]]:
    """The next message and the descriptors that came with its first byte."""
    descriptors: list[int] = []

    def take(size: int) -> bytes:
        if descriptors:
            return os.read(
                channel.fileno(), size
            )  # a boxed referee may read, and receive descriptors, no more
        part, found, _flags, _address = socket.recv_fds(channel, size, 4)
        descriptors.extend(found)
        return part

    return _message(take, most_bytes), descriptors


def send(channel: socket.socket, payload: bytes, descriptors: list[int]) -> None:
    """Send one message with descriptors. Raises OSError when nobody reads any more."""
    whole = HEAD.pack(len(payload)) + payload
    sent = socket.send_fds(channel, [whole], descriptors) if descriptors else channel.send(whole)
    # Sending nothing fails too where the reader has read all, done its work and gone.
    if rest := whole[sent:]:
        channel.sendall(rest)


def _message(take: Read, most_bytes: int) -> bytes:
    head = _exactly(take, HEAD.size, first=True)
    (size,) = HEAD.unpack(head)
    if size > most_bytes:
        raise BrokenFrame(f"found a message of {size} bytes, wanted at most {most_bytes}")
    return _exactly(take, size, first=False)


def _exactly(take: Read, size: int, *, first: bool) -> bytes:
    parts: list[bytes] = []
    left = size
    while left:
        part = take(min(left, 1 << 16))
        if not part:
            raise (Ended if first and left == size else BrokenFrame)("the stream ended")
        parts.append(part)
        left -= len(part)
    return b"".join(parts)
