"""The production application with one guard of the labelling verbs removed: a checker that passes it checks nothing.

SABOTAGE=double-claim: what is promised to others is handed out too. drop-after-ack: every fifth ranking is answered
and rolled back. ignore-uuid: a submission that comes again is stored again.
"""

import inspect
import os
import uuid
from itertools import count
from typing import Any

from django.db import transaction

from labelplatform.asgi import application
from labelplatform.labels import services, sheets
from labelplatform.labels.models import Ranking
from labelplatform.labels.services import claim_statement

__all__ = ["application"]

_calls = count(1)
_submit = services.submit_judgement


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
        services.submit_judgement = _drop_after_ack
    elif guard == "ignore-uuid":
        services.submit_judgement = _ignore_uuid
    else:
        raise ValueError(f"SABOTAGE={guard!r}: wanted double-claim, drop-after-ack or ignore-uuid")
    # The sheet of the page calls the verb by this name: where it does no more, nothing would be sabotaged.
    assert "services.submit_judgement(" in inspect.getsource(sheets)


_remove(os.environ["SABOTAGE"])
