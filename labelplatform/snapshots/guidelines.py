"""Which guidelines people had before them."""

import hashlib
from collections.abc import Iterable

from labelplatform.labels.models import Campaign


def guideline_version(campaigns: Iterable[Campaign]) -> str:
    """Return a short digest of the guidelines of these campaigns: it changes when one word of them does."""
    total = hashlib.sha256()
    for campaign in campaigns:
        total.update(f"{campaign.name}\0{campaign.guidelines}\0".encode())
    return total.hexdigest()[:12]
