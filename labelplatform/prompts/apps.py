"""How Django finds this app."""

from django.apps import AppConfig


class PromptsConfig(AppConfig):
    name = "labelplatform.prompts"
    label = "prompts"
    default_auto_field = "django.db.models.BigAutoField"
