"""How Django finds this app."""

from django.apps import AppConfig


class DemoConfig(AppConfig):
    name = "labelplatform.demo"
    label = "demo"
    default_auto_field = "django.db.models.BigAutoField"
