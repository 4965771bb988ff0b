"""Who may label in a campaign that asks everybody for some gold items first."""

from collections.abc import Callable

from django.db import transaction

from labelplatform.accounts.models import User
from labelplatform.accounts.services import record
from labelplatform.labels import quality
from labelplatform.labels.models import Campaign, GoldItem, Qualification, QueuePlace, Ranking


def examine(ranking: Ranking, *, campaign: Campaign) -> None:
    """After a label of gold: once there are enough of them, say whether this person has qualified."""
    if not campaign.qualification_items or not GoldItem.objects.filter(item=ranking.item_id).exists():
        return
    settle(campaign, ranking.annotator, lambda: _passed(campaign, ranking.annotator))


def _passed(campaign: Campaign, annotator: User) -> bool | None:
    """Whether a person agrees with gold as far as is asked; None while too few labels say so."""
    found = quality.agreement_with_gold(campaign, annotator)
    if found.n < campaign.qualification_items or found.value is None:
        return None
    return found.value >= campaign.qualification_share


def settle(campaign: Campaign, annotator: User, passed: Callable[[], bool | None]) -> None:
    """Note that a person is at their first items, and once `passed` can tell, whether they have qualified."""
    Qualification.objects.get_or_create(campaign=campaign, annotator=annotator)
    # Two labels of one person at once would each miss the other: they count one after the other.
    mine = Qualification.objects.select_for_update().get(campaign=campaign, annotator=annotator)
    if mine.state != Qualification.State.PENDING:
        return
    found = passed()
    if found is not None:
        _decide(mine, Qualification.State.PASSED if found else Qualification.State.FAILED)


@transaction.atomic
def override_qualification(*, campaign: Campaign, annotator: User, admitted: bool, by: User) -> Qualification:
    """Let a person in, or keep them out, whatever their labels of gold say."""
    mine, _made = Qualification.objects.get_or_create(campaign=campaign, annotator=annotator)
    _decide(mine, Qualification.State.OVERRIDDEN if admitted else Qualification.State.FAILED)
    record(
        by=by,
        verb="overrode qualification",
        obj=campaign,
        project=campaign.project,
        annotator=annotator.username,
        admitted=admitted,
    )
    return mine


def _decide(mine: Qualification, state: Qualification.State) -> None:
    mine.state = state
    mine.save(update_fields=["state", "at"])
    # The way to here led past everything that was not gold: from now on the queue begins at its front.
    QueuePlace.objects.filter(campaign=mine.campaign_id, annotator=mine.annotator_id).delete()
