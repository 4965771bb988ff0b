"""What is put to people, and who was promised which part of it until when."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from labelplatform.labels.models.campaigns import Campaign


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

    # Promised just now and to nobody before: there can be no unfinished work. Known of a claim's own slot alone.
    is_fresh = False

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
