"""Being asked to end by SIGTERM: the step in hand is finished and a checkpoint written; a second one ends at once.

Only steps are finished so. Before the first there is nothing to save, and the process ends as it would without us;
after the last one a run saves what it has made and comes to its end by itself.
"""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class _Ending:
    """What this process knows of its own end. One a process, as its signals are."""

    stepping = False
    asked = False


_ending = _Ending()


@contextmanager
def heeding_sigterm() -> Iterator[None]:
    """Within it SIGTERM during the steps of training is taken as a wish; before, and the second time, as an order.

    A process that was started with SIGTERM ignored goes on ignoring it.
    """
    known = signal.getsignal(signal.SIGTERM)
    if threading.current_thread() is not threading.main_thread() or known is signal.SIG_IGN:
        # Python lets only the main thread say what a signal does.
        yield
        return
    _ending.stepping = _ending.asked = False
    signal.signal(signal.SIGTERM, _heed)
    try:
        yield
    finally:
        _ending.stepping = _ending.asked = False
        signal.signal(signal.SIGTERM, known or signal.SIG_DFL)


def begin_stepping() -> None:
    """From now on there are steps to finish and a state to save."""
    _ending.stepping = True


def is_asked() -> bool:
    """True when this process was asked to end after the step in hand."""
    return _ending.asked


def _heed(number: int, frame: FrameType | None) -> None:
    if _ending.stepping and not _ending.asked:
        _ending.asked = True
        return
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
