"""Publishing guidelines, and taking note that somebody has read them."""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from labelplatform.accounts.models import User
from labelplatform.accounts.services import record
from labelplatform.labels.models import Campaign, GuidelineReading, GuidelineVersion

LONGEST_TEXT = 100_000


class GuidelinesRefused(Exception):
    """A version that is none; the message is for the person."""


@transaction.atomic
def publish_guidelines(
    *,
    campaign: Campaign,
    by: User | None,
    english: str = "",
    chinese: str = "",
    note: str = "",
    based_on: int | None = None,
) -> GuidelineVersion:
    """Make the next version of a campaign's guidelines: it holds for every label from now on.

    `based_on` is the number of the version that was edited (0: there was none); where somebody has published since,
    it is refused, so that nobody's words are undone unseen.
    """
    # Two who publish at once do so one after the other.
    Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk)
    last = campaign.guideline_versions.order_by("-number").first()
    english, chinese = (_as_written(text) for text in (english, chinese))
    _check(last, english, chinese, note, based_on)
    now = timezone.now()
    version = GuidelineVersion.objects.create(
        campaign=campaign,
        number=last.number + 1 if last else 1,
        english=english,
        chinese=chinese,
        note=note.strip(),
        by=by,
        # Never before the last one, whatever clocks do: time tells which version a label was given under.
        at=max(now, last.at) if last else now,
    )
    record(by=by, verb="published guidelines", obj=campaign, project=campaign.project, number=version.number)
    return version


def _as_written(text: str) -> str:
    """A text with the line ends of files, whatever a browser made of them."""
    return text.replace("\r\n", "\n").strip()


def _check(
    last: GuidelineVersion | None, english: str, chinese: str, note: str, based_on: int | None
) -> None:
    if not english and not chinese:
        raise GuidelinesRefused(_("Write the guidelines in at least one language."))
    if max(len(english), len(chinese)) > LONGEST_TEXT:
        raise GuidelinesRefused(_("Guidelines of more than 100,000 characters are read by nobody."))
    if based_on is not None and based_on != (last.number if last else 0):
        raise GuidelinesRefused(
            _(
                "Somebody has published another version since you began: look at the history, then publish anew."
            )
        )
    if last is None:
        return
    if (english, chinese) == (last.english, last.chinese):
        raise GuidelinesRefused(
            _("Nothing has changed: this is the text of version %(n)d.") % {"n": last.number}
        )
    if not note.strip():
        raise GuidelinesRefused(
            _("Say in a sentence what changed: whoever read the last version is shown it.")
        )


@transaction.atomic
def confirm_guidelines(*, campaign: Campaign, number: int, by: User) -> None:
    """Note that this person has read a version; never fewer than before, never more than there is."""
    if not campaign.guideline_versions.filter(number=number).exists():
        raise GuidelinesRefused(_("There is no such version."))
    mine, made = GuidelineReading.objects.get_or_create(
        campaign=campaign, annotator=by, defaults={"number": number}
    )
    if not made and mine.number < number:
        mine.number = number
        mine.save(update_fields=["number", "at"])
