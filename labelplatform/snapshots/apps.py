"""How Django finds this app."""

from django.apps import AppConfig


class SnapshotsConfig(AppConfig):
    name = "labelplatform.snapshots"
    label = "snapshots"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from labelplatform.jobs.kinds import register
        from labelplatform.snapshots.freezing import KIND

        register(KIND)
