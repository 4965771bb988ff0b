"""What follows from a label that was just stored, in the same transaction."""

from collections.abc import Sequence

from labelplatform.labels.models import Campaign, Label, Ranking
from labelplatform.labels.services.label_gold import examine_labels
from labelplatform.labels.services.qualification import examine
from labelplatform.labels.services.repeats import deal_repeat
from labelplatform.labels.services.third_opinion import ask_once_more


def follow_up_recorded(rankings: Sequence[Ranking], *, campaign: Campaign) -> None:
    """The same for labels that did not come from our page, where they filled what the campaign wanted.

    Nobody is given a repeat: whoever works elsewhere would not find it here.
    """
    if campaign.third_opinion_below is None and not campaign.qualification_items:
        return
    for ranking in rankings:
        if not ranking.surplus:
            ask_once_more(ranking, campaign=campaign)
            examine(ranking, campaign=campaign)


def follow_up(ranking: Ranking, *, campaign: Campaign) -> None:
    """One more slot where people disagree; whether who gave it has qualified; an earlier item of theirs once more.

    Nothing for work that came too late.
    """
    if ranking.surplus:
        return
    ask_once_more(ranking, campaign=campaign)
    examine(ranking, campaign=campaign)
    deal_repeat(ranking, campaign=campaign)


def follow_up_label(label: Label, *, campaign: Campaign) -> None:
    """The same of a label that is no order, as far as its kind has such settings (services/quality_settings.py)."""
    if label.surplus:
        return
    ask_once_more(label, campaign=campaign)
    examine_labels([label], campaign=campaign)
    deal_repeat(label, campaign=campaign)


def follow_up_recorded_labels(labels: Sequence[Label], *, campaign: Campaign) -> None:
    """The same of labels that did not come from our page; of those nobody is given a repeat."""
    if campaign.third_opinion_below is not None:
        for label in labels:
            if not label.surplus:
                ask_once_more(label, campaign=campaign)
    examine_labels(labels, campaign=campaign)
