"""What people say about answers, and who was promised which item until when."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from labelplatform.labels.models.standing import GoldItem, Qualification, QueuePlace, Skip

__all__ = [
    "Campaign",
    "Draft",
    "GoldItem",
    "Item",
    "ItemResponse",
    "Lease",
    "Placement",
    "Qualification",
    "QueuePlace",
    "Ranking",
    "RankingLog",
    "ResponseFlag",
    "ResponseRating",
    "Skip",
    "Slot",
]


class Campaign(models.Model):
    """A call for labels of one kind over some prompts of one project."""

    class Kind(models.TextChoices):
        """What one label of this campaign is."""

        RANKING = "ranking", _("ranking")
        COMPARISON = "comparison", _("comparison")

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
    kind = models.CharField(max_length=12, choices=Kind.choices, default=Kind.RANKING)
    guidelines = models.TextField(_("guidelines"), blank=True)
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
    # So many gold items come first for everybody (0: none), and this share of their pairs must be right to go on.
    qualification_items = models.PositiveSmallIntegerField(default=0)
    qualification_share = models.FloatField(default=0.75)
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
        ]
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.name


class Item(models.Model):
    """One prompt with its answers as put to people."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="items")
    prompt = models.ForeignKey("prompts.Prompt", on_delete=models.PROTECT, related_name="items")
    key = models.CharField(max_length=200)
    responses = models.ManyToManyField("prompts.Response", through="ItemResponse", related_name="items")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["campaign", "key"], name="item_key_unique_in_campaign")
        ]
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.key

    @cached_property
    def response_ids(self) -> list[int]:
        """Its responses in stored order, which never changes once it is made."""
        return [place.response_id for place in self.placed_responses.all()]


class ItemResponse(models.Model):
    """A response at its stored place in an item; people see the slot's shuffled order instead."""

    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="placed_responses")
    response = models.ForeignKey("prompts.Response", on_delete=models.PROTECT, related_name="item_places")
    position = models.PositiveSmallIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["item", "response"], name="item_response_once"),
            models.UniqueConstraint(fields=["item", "position"], name="item_position_once"),
            models.CheckConstraint(condition=Q(position__lt=9), name="item_at_most_nine_responses"),
        ]
        ordering = ["item", "position"]

    def __str__(self) -> str:
        return f"{self.item_id}/{self.position}"


class Slot(models.Model):
    """One wanted label of one item. An item has exactly `overlap` of them, so overlap is exact by construction.

    Where people disagree, a campaign may want more: services/third_opinion.py adds them one by one.
    """

    class State(models.TextChoices):
        """Open for anybody, promised to somebody, or filled for good."""

        OPEN = "open", _("open")
        LEASED = "leased", _("leased")
        DONE = "done", _("done")
        # Too many people could not judge the item: nobody is asked until a researcher has looked.
        PARKED = "parked", _("set aside")

    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="slots")
    # The item's campaign again: a claim reads one narrow index instead of joining.
    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="slots")
    ordinal = models.PositiveSmallIntegerField()
    # Where it stands among the open slots of its campaign: the lowest is handed out first. Below 0: kept in reserve.
    queue_place = models.BigIntegerField(default=0)
    # How many different promises there were: more than one means that somebody let it go.
    promised = models.PositiveIntegerField(default=0)
    state = models.CharField(max_length=6, choices=State.choices, default=State.OPEN)
    annotator = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="slots"
    )
    lease_token = models.UUIDField(null=True, blank=True, unique=True)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    # Positions of the item's responses in the order this slot shows them: [2, 0, 1] shows position 2 as answer A.
    shown_order = models.JSONField(default=list)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["item", "ordinal"], name="slot_ordinal_unique_in_item"),
            models.UniqueConstraint(
                fields=["item", "annotator"], condition=~Q(state="open"), name="slot_person_once_per_item"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["open", "parked"], annotator=None)
                | Q(state__in=["leased", "done"], annotator__isnull=False),
                name="slot_open_or_somebodys",
            ),
            models.CheckConstraint(
                condition=~Q(state="leased") | Q(lease_token__isnull=False, lease_expires_at__isnull=False),
                name="slot_lease_complete",
            ),
        ]
        indexes = [
            # Each holds only what is not done yet, so that claims stay as fast as the campaign is long.
            models.Index(
                fields=["campaign", "queue_place"], condition=Q(state="open"), name="slot_in_the_queue"
            ),
            models.Index(
                fields=["campaign", "lease_expires_at"], condition=Q(state="leased"), name="slot_promised"
            ),
            models.Index(fields=["annotator", "campaign"], condition=Q(state="leased"), name="slot_in_hand"),
            models.Index(fields=["campaign", "state"], name="slot_progress"),
        ]
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.item_id}#{self.ordinal}"


class Lease(models.Model):
    """That a slot was promised to a person: kept for good, so that late work is known for what it is."""

    slot = models.ForeignKey(Slot, on_delete=models.CASCADE, related_name="leases")
    annotator = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="leases")
    token = models.UUIDField(unique=True)
    claimed_at = models.DateTimeField()

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.slot_id} {self.annotator_id}"


class Ranking(models.Model):
    """A submitted order of an item's responses. Never changed: an edit would be a new ranking."""

    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="rankings")
    # Empty for imported labels that no slot asked for.
    slot = models.ForeignKey(Slot, on_delete=models.PROTECT, null=True, blank=True, related_name="rankings")
    annotator = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="rankings")
    key = models.CharField(max_length=200)
    kind = models.CharField(max_length=12, choices=Campaign.Kind.choices)
    source = models.CharField(max_length=12, choices=Campaign.Source.choices)
    # Response ids in the order they were seen.
    shown_order = models.JSONField(default=list, blank=True)
    seconds = models.FloatField(null=True, blank=True)
    submission = models.UUIDField(unique=True)
    # Digest of what was submitted: the same submission key with another body is refused.
    body_digest = models.CharField(max_length=64)
    unacceptable = models.BooleanField(default=False)
    # How clear each gap between neighbouring tiers is, best first: 1 slight, 2 clear, 3 large. Nothing: not told.
    margins = models.JSONField(null=True, blank=True)
    # Late work whose slot had gone to somebody else: kept, shown, not exported.
    surplus = models.BooleanField(default=False)
    # Keys of an imported line that we have no column for: they come back on export.
    detail = models.JSONField(default=dict, blank=True)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["slot"], condition=Q(surplus=False), name="ranking_one_per_slot"),
            models.UniqueConstraint(
                fields=["item", "annotator"], condition=Q(surplus=False), name="ranking_person_once_per_item"
            ),
            models.CheckConstraint(
                condition=Q(seconds__isnull=True) | Q(seconds__gte=0), name="ranking_seconds_not_negative"
            ),
        ]
        # An import looks its lines up by id, a broken download goes on after one.
        indexes = [models.Index(fields=["key"], name="ranking_key")]
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.key


class Placement(models.Model):
    """Where a ranking put a response: tier 1 is best, equal tiers tie, none means left unranked."""

    ranking = models.ForeignKey(Ranking, on_delete=models.CASCADE, related_name="placements")
    response = models.ForeignKey("prompts.Response", on_delete=models.PROTECT, related_name="placements")
    tier = models.PositiveSmallIntegerField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["ranking", "response"], name="placement_once"),
            models.CheckConstraint(
                condition=Q(tier__isnull=True) | Q(tier__gte=1, tier__lte=9), name="placement_tier_1_to_9"
            ),
        ]
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.response_id}@{self.tier}"


class ResponseFlag(models.Model):
    """A named mark that a ranking put on one response."""

    ranking = models.ForeignKey(Ranking, on_delete=models.CASCADE, related_name="flags")
    response = models.ForeignKey("prompts.Response", on_delete=models.PROTECT, related_name="flags")
    name = models.CharField(max_length=60)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["ranking", "response", "name"], name="flag_once")]
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.name


class ResponseRating(models.Model):
    """A number from 1 to 7 that a ranking gave to one response under a name, such as `overall`."""

    ranking = models.ForeignKey(Ranking, on_delete=models.CASCADE, related_name="ratings")
    response = models.ForeignKey("prompts.Response", on_delete=models.PROTECT, related_name="ratings")
    name = models.CharField(max_length=60)
    # People give whole numbers on our page; other houses' files may hold halves.
    value = models.FloatField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["ranking", "response", "name"], name="rating_once"),
            models.CheckConstraint(condition=Q(value__gte=1, value__lte=7), name="rating_1_to_7"),
        ]
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.name} {self.value:g}"


class RankingLog(models.Model):
    """How a ranking came about on our page: what was looked at for how long, every move. For research into bias."""

    ranking = models.OneToOneField(Ranking, on_delete=models.CASCADE, related_name="log")
    body = models.JSONField(default=dict)
    # Why a log that the page sent was not kept; the ranking counts all the same.
    dropped = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.ranking_id}"


class Draft(models.Model):
    """Unfinished work of one person on one slot, saved as they go."""

    slot = models.ForeignKey(Slot, on_delete=models.CASCADE, related_name="drafts")
    annotator = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="drafts")
    state = models.JSONField(default=dict)
    at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["slot", "annotator"], name="draft_one_per_person")]
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.slot_id} {self.annotator_id}"
