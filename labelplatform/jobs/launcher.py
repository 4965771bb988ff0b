"""Becomes the command of a job, as a child that cannot outlive its worker. Standard library only: it starts in no time.

`python launcher.py WORKER_PID COMMAND…`: asks the kernel for SIGKILL at the death of the worker, makes sure that the
worker was still there when it asked (it may have died between its fork and our request), and turns into the command.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
WORKER_GONE = 75


def become(worker_pid: int, command: list[str]) -> None:
    """Never returns, but by an exception when there is no such command."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) was refused")
    if os.getppid() != worker_pid:
        sys.exit(WORKER_GONE)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2):
        # An ignored signal stays ignored through exec: the worker's choices are not the job's.
        signal.signal(number, signal.SIG_DFL)
    os.execvp(command[0], command)


if __name__ == "__main__":
    become(int(sys.argv[1]), sys.argv[2:])
