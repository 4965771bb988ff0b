"""A campaign: what is asked of whom, how often and in which order."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from labelplatform.labels.models.steering import Steering


class Campaign(Steering):
    """A call for labels of one kind over some prompts of one project."""

    class Kind(models.TextChoices):
        """What one label of this campaign is."""

        RANKING = "ranking", _("ranking")
        COMPARISON = "comparison", _("comparison")
        RATING = "rating", _("rating")
        HONESTY = "honesty", _("honesty check")
        SPANS = "spans", _("hallucination spans")
        DEMONSTRATION = "demonstration", _("demonstration")

    class State(models.TextChoices):
        """Whether items are handed out."""

        OPEN = "open", _("open")
        PAUSED = "paused", _("paused")
        CLOSED = "closed", _("closed")

    class Source(models.TextChoices):
        """Where labels come from; the names of the public ranking line."""

        CAMPAIGN = "campaign", _("campaign")
        BATTLE = "battle", _("battle")
        REGENERATE = "regenerate", _("Regenerate")
        IMPORT = "import", _("import")
        SIMULATED = "simulated", _("simulated")

    project = models.ForeignKey("accounts.Project", on_delete=models.CASCADE, related_name="campaigns")
    name = models.CharField(_("name"), max_length=120)
    kind = models.CharField(max_length=16, choices=Kind.choices, default=Kind.RANKING)
    # What a campaign of this kind asks, in the kind's own words (labels/kinds); of orders nothing.
    asks = models.JSONField(default=dict, blank=True)
    # How many different people label each item. 0: nothing is handed out, labels only come in by import.
    overlap = models.PositiveSmallIntegerField(_("overlap"), default=1)
    source = models.CharField(max_length=12, choices=Source.choices, default=Source.CAMPAIGN)
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    # Off: every answer must be placed. On: answers left out count as "below all placed, mutually unknown".
    allow_unranked = models.BooleanField(default=False)
    # So many people may say that they cannot judge an item before it is set aside for a researcher.
    skip_limit = models.PositiveSmallIntegerField(default=3)
    # On: each answer gets an overall rating from 1 to 7 before they are put in order.
    rate_first = models.BooleanField(default=False)
    # On: the ratings propose an order, which the annotator must confirm.
    presort = models.BooleanField(default=False)
    # One more person is asked where an item's wanted labels agree on less than this share of pairs; empty: nobody.
    third_opinion_below = models.FloatField(null=True, blank=True)
    # So many labels of one item are the most that disagreement can ask for.
    most_labels = models.PositiveSmallIntegerField(default=3)
    # The share of gold items among what is handed out, and to how many people at most each is given.
    gold_rate = models.FloatField(default=0)
    gold_slots = models.PositiveSmallIntegerField(default=20)
    # So many gold items come first for everybody (0: none), and this share of their pairs (of ratings: of their
    # ratings) must be right to go on; of demonstrations reviewers must give so much on average, from 1 to 7.
    qualification_items = models.PositiveSmallIntegerField(default=0)
    qualification_share = models.FloatField(default=0.75)
    qualification_score = models.FloatField(default=6)
    # The share of items that come to the same person again, after at least so many labels of their own.
    repeat_rate = models.FloatField(default=0)
    repeat_after = models.PositiveSmallIntegerField(default=50)
    # Whether there may be such items: claims look out for other people's only then, also once the rate is 0 again.
    has_repeats = models.BooleanField(default=False)
    seed = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="campaign_name_unique_in_project"),
            models.CheckConstraint(condition=Q(overlap__lte=50), name="campaign_overlap_at_most_50"),
            models.CheckConstraint(condition=Q(skip_limit__gte=1), name="campaign_skip_limit_at_least_1"),
            models.CheckConstraint(
                condition=Q(third_opinion_below__isnull=True)
                | Q(third_opinion_below__gte=0, third_opinion_below__lte=1),
                name="campaign_third_opinion_below_a_share",
            ),
            models.CheckConstraint(condition=Q(most_labels__lte=50), name="campaign_most_labels_at_most_50"),
            models.CheckConstraint(
                condition=Q(gold_rate__gte=0, gold_rate__lte=0.5), name="campaign_gold_rate_at_most_half"
            ),
            models.CheckConstraint(
                condition=Q(gold_slots__lte=1000), name="campaign_gold_slots_at_most_1000"
            ),
            models.CheckConstraint(
                condition=Q(qualification_score__gte=1, qualification_score__lte=7),
                name="campaign_qualification_score_from_1_to_7",
            ),
            models.CheckConstraint(
                condition=Q(close_at_deadline=False) | Q(deadline__isnull=False),
                name="campaign_closes_at_a_deadline",
            ),
            models.CheckConstraint(
                condition=Q(repeat_rate__gte=0, repeat_rate__lte=0.2),
                name="campaign_repeat_rate_at_most_a_fifth",
            ),
            models.CheckConstraint(
                condition=Q(repeat_rate=0) | Q(has_repeats=True), name="campaign_repeats_are_looked_out_for"
            ),
        ]
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.name

    @property
    def gives_rankings(self) -> bool:
        """Whether its labels are orders of several answers (rows of Ranking), not labels of another kind (Label)."""
        return self.kind in RANKING_KINDS


RANKING_KINDS = frozenset({Campaign.Kind.RANKING, Campaign.Kind.COMPARISON})
