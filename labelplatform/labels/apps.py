"""How Django finds this app."""

from django.apps import AppConfig


class LabelsConfig(AppConfig):
    name = "labelplatform.labels"
    label = "labels"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Models exist only from here on.
        from labelplatform.jobs.kinds import register
        from labelplatform.labels.choosing import KIND
        from labelplatform.labels.services.reliability import register_job_kind

        register(KIND)
        register_job_kind()
