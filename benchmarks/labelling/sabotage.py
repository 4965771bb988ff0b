"""The production application with one guard of the labelling verbs removed: a checker that passes it checks nothing.

SABOTAGE=double-claim: what is promised to others is handed out too. drop-after-ack: every fifth ranking is answered
and rolled back. ignore-uuid: a submission that comes again is stored again.
"""

import os
import uuid
from itertools import count
from typing import Any

from django.db import transaction

from labelplatform.asgi import application
from labelplatform.labels import services
from labelplatform.labels.models import Ranking
from labelplatform.labels.services import claim_statement, submission

__all__ = ["application"]

_calls = count(1)
_submit = services.submit_ranking


def _drop_after_ack(**told: Any) -> Ranking:
    with transaction.atomic():
        ranking = _submit(**told)
        if next(_calls) % 5 == 0:
            transaction.set_rollback(True)
    return ranking


def _ignore_uuid(**told: Any) -> Ranking:
    if Ranking.objects.filter(submission=told["submission"]).exists():
        told["submission"] = uuid.uuid4()
    return _submit(**told)


def _double_claim() -> None:
    promised = claim_statement.LAPSED.replace("AND s.lease_expires_at < %(now)s", "")
    assert promised != claim_statement.LAPSED
    claim_statement.LAPSED = promised


def _remove(guard: str) -> None:
    if guard == "double-claim":
        _double_claim()
    elif guard == "drop-after-ack":
        services.submit_ranking = _drop_after_ack
    elif guard == "ignore-uuid":
        services.submit_ranking = _ignore_uuid
    else:
        raise ValueError(f"SABOTAGE={guard!r}: wanted double-claim, drop-after-ack or ignore-uuid")
    assert submission.submit_ranking is _submit


_remove(os.environ["SABOTAGE"])
