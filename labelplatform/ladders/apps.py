from django.apps import AppConfig


class LaddersConfig(AppConfig):
    name = "labelplatform.ladders"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from labelplatform.ladders.services import register_job_kinds  # models exist only from here on

        register_job_kinds()
