"""A project with something to report, made by the product's own verbs."""

import pytest

from tests.labelplatform.world import Stock, build_stock


@pytest.fixture
def stock(db: None) -> Stock:
    return build_stock("harbour")
