"""Streams that are taken up again."""

from collections.abc import Iterator

import torch

from trainer.resumable import Replayed


def _drawn(generator: torch.Generator) -> Iterator[float]:
    while True:
        yield float(torch.rand((), generator=generator))


def test_a_stream_goes_on_from_where_it_began_whatever_was_drawn_since() -> None:
    first = Replayed(_drawn, torch.Generator().manual_seed(3))
    wanted = [next(first) for _ in range(6)]
    another = Replayed(_drawn, torch.Generator().manual_seed(3))
    for _ in range(2):
        next(another)
    state = another.state()
    # A generator that is elsewhere by now.
    again = Replayed(_drawn, torch.Generator().manual_seed(99))
    next(again)
    again.restore(state)
    assert again.taken == 2
    assert [next(again) for _ in range(4)] == wanted[2:]
