"""The toy kind stands for every test of jobs."""

from collections.abc import Iterator

import pytest

from tests.labelplatform.jobs.toys import registered


@pytest.fixture(autouse=True)
def _toys() -> Iterator[None]:
    with registered():
        yield
