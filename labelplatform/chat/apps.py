"""How Django finds this app."""

from django.apps import AppConfig


class ChatConfig(AppConfig):
    name = "labelplatform.chat"
    label = "chat"
    default_auto_field = "django.db.models.BigAutoField"
