"""In which order the waiting items of a campaign are handed out, by what rule, and which of them chance placed."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from labelplatform.labels.models.campaigns import Campaign
from labelplatform.labels.models.items import Item


class QueueOrder(models.Model):
    """One choosing of what is labelled next: what it was told, and the job that reckons it."""

    class Rule(models.TextChoices):
        """What goes first."""

        DISAGREEMENT = "disagreement", _("where reward models disagree most")
        MARGIN = "margin", _("where the expected margin is smallest")

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="queue_orders")
    job = models.OneToOneField("jobs.Job", on_delete=models.PROTECT, related_name="queue_order")
    rule = models.CharField(max_length=12, choices=Rule.choices)
    # The share of the waiting items that chance places, so that what the rule gains is measured and not assumed.
    control_share = models.FloatField(default=0.2)
    seed = models.BigIntegerField(default=0)
    artifact = models.OneToOneField(
        "jobs.Artifact", on_delete=models.PROTECT, null=True, blank=True, related_name="queue_order"
    )
    # When the queue had all of it; before, some or all of its items stand where they stood.
    in_force_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(control_share__gt=0, control_share__lt=1),
                name="queue_order_control_share_a_share",
            ),
            models.CheckConstraint(
                condition=Q(rule__in=["disagreement", "margin"]), name="queue_order_rule_is_known"
            ),
        ]
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.campaign_id} {self.rule} {self.pk}"


class ChosenItem(models.Model):
    """Where an order puts an item, and why: by its rule, or by chance. No annotator ever learns which."""

    class Arm(models.TextChoices):
        """What put the item at its place."""

        CHOSEN = "chosen", _("chosen by the rule")
        CONTROL = "control", _("drawn at random")

    order = models.ForeignKey(QueueOrder, on_delete=models.CASCADE, related_name="chosen_items")
    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="chosen_in")
    arm = models.CharField(max_length=7, choices=Arm.choices)
    # From 1 in the order; `block` is the piece of the campaign's queue that stands there.
    place = models.PositiveIntegerField()
    block = models.BigIntegerField()
    # The rule's value of the item, and each response's score by each reward model, by response id.
    value = models.FloatField()
    scores = models.JSONField()
    # Whether the queue has it at that place: nobody had begun the item then.
    in_force = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["order", "item"], name="chosen_item_once_in_an_order"),
            # What an item was labelled as is one thing: a later order takes it over from an earlier one.
            models.UniqueConstraint(
                fields=["item"], condition=Q(in_force=True), name="chosen_item_in_force_once"
            ),
            models.CheckConstraint(
                condition=Q(arm__in=["chosen", "control"]), name="chosen_item_arm_is_known"
            ),
        ]
        ordering = ["order", "place"]

    def __str__(self) -> str:
        return f"{self.order_id}: {self.item_id} {self.arm}"
