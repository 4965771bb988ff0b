"""How Django finds this app."""

from django.apps import AppConfig


class PromptsConfig(AppConfig):
    name = "labelplatform.prompts"
    label = "prompts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from labelplatform.jobs.kinds import register
        from labelplatform.prompts.sampling import KIND

        register(KIND)
