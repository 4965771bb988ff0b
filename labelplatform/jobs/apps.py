"""How Django finds this app."""

from django.apps import AppConfig


class JobsConfig(AppConfig):
    name = "labelplatform.jobs"
    label = "jobs"
    default_auto_field = "django.db.models.BigAutoField"
