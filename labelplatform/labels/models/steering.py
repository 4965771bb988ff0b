"""How urgent a campaign is and whom it is for."""

from datetime import datetime

from django.db import models
from django.utils import timezone


class Steering(models.Model):
    """What decides which campaign people are offered first, until when, and who is offered it at all."""

    # The higher is offered first; among equals the one with the nearer deadline.
    priority = models.SmallIntegerField(default=0)
    deadline = models.DateTimeField(null=True, blank=True)
    # Off: the campaign goes on past its deadline.
    close_at_deadline = models.BooleanField(default=False)
    # Only who reads all of these languages and knows all of these domains is offered the campaign.
    required_languages = models.JSONField(default=list, blank=True)
    required_domains = models.JSONField(default=list, blank=True)
    # Each is given only items whose prompt is in a language they read, of a domain they know; or in none that is told.
    route_languages = models.BooleanField(default=False)
    route_domains = models.BooleanField(default=False)

    class Meta:
        abstract = True

    def is_over(self, now: datetime) -> bool:
        """Whether it has closed at its deadline."""
        return self.close_at_deadline and self.deadline is not None and self.deadline <= now

    @property
    def has_closed(self) -> bool:
        """Whether it has closed at its deadline by now."""
        return self.is_over(timezone.now())

    @property
    def is_for_everybody(self) -> bool:
        """Whether nothing need be known of a person to hand out an item of it."""
        asked = self.required_languages or self.required_domains
        return not (asked or self.route_languages or self.route_domains)
