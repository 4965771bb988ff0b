"""What goes with a ranking beside its order: marks on its line, and an answer of one's own as a label of its own."""

import uuid

from labelplatform.compiled_queries import Insertion, Write, together
from labelplatform.labels import kinds
from labelplatform.labels.models import Item, Label, Ranking
from labelplatform.labels.rules import Judgement
from labelplatform.prompts.models import Response

_LABELS = Insertion(Label)


def told_with(judgement: Judgement, item: Item) -> dict[str, object]:
    """The keys of the ranking's line that have no columns; most rankings have none, and then nothing is asked."""
    if not judgement.marks:
        return {}
    keys = dict(Response.objects.filter(pk__in=judgement.marks).values_list("pk", "key"))
    in_order = [response for response in item.response_ids if response in judgement.marks]
    return {"spans": {keys[response]: list(judgement.marks[response]) for response in in_order}}


def keep(ranking: Ranking, text: str) -> None:
    """The same as `keeping`, written now."""
    together(keeping(ranking, text))


def keeping(ranking: Ranking, text: str) -> Write:
    """The person's own answer to the ranking's prompt, to be written together with the ranking: a demonstration.

    It has an id of its own that follows from the ranking's, and says with `ranking` what it was written beside.
    """
    body: kinds.Body = {"response": text}
    return _LABELS.write(
        Label(
            item=ranking.item,
            annotator=ranking.annotator,
            key=f"{ranking.key}-better",
            kind=kinds.KINDS["demonstration"].name,
            source=ranking.source,
            submission=uuid.uuid5(ranking.submission, "better"),
            body_digest=kinds.digest(body),
            body=body,
            surplus=ranking.surplus,
            detail={"ranking": ranking.key},
        )
    )
