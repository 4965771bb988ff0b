"""How Django finds this app."""

from django.apps import AppConfig


class LabelsConfig(AppConfig):
    name = "labelplatform.labels"
    label = "labels"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from labelplatform.labels.services.reliability import (
            register_job_kind,
        )  # models exist only from here on

        register_job_kind()
