"""The referees' launcher: it forks a boxed referee, which then judges one submission after the other.

A referee is kept while the tests leave it as it was; what they changed, or did not survive, ends with its process.
"""

import builtins
import json
import os
import random
import socket
from typing import ClassVar

from evaluator.sandbox import box, frames, referee
from evaluator.sandbox.launcher import MOST_REQUEST_BYTES, Launcher, Request

MOST_KEPT = 500


class RefereeLauncher(Launcher):
    """As a launcher of submissions; its children are asked by their channel: {"tests": …} with a submission's end."""

    receives_descriptors: ClassVar[bool] = True

    def perform(self, request: Request) -> int:
        """Judge until the channel ends or the tests left something behind."""
        conversation = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, fileno=box.CHANNEL)
        kept: dict[str, referee.Tests] = {}
        before = dict(vars(builtins))
        with conversation:
            while vars(builtins) == before:
                try:
                    payload, (descriptor,) = frames.receive(conversation, MOST_REQUEST_BYTES)
                except frames.Ended:
                    break
                # The same chance for every submission, whoever came before.
                random.seed(0)
                said = _verdict(payload, descriptor, kept)
                os.close(descriptor)
                frames.write(box.CHANNEL, json.dumps(said).encode())
        return 0


def _verdict(payload: bytes, descriptor: int, kept: dict[str, referee.Tests]) -> dict[str, object]:
    key = payload.decode()
    if key not in kept:
        if len(kept) >= MOST_KEPT:
            kept.clear()
        try:
            kept[key] = referee.prepare(**json.loads(payload)["tests"])
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            return {"refused": f"the tests are no Python: {error}"}
    return referee.judge(kept[key], descriptor)
