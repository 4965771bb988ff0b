from django.apps import AppConfig


class TrainingConfig(AppConfig):
    name = "labelplatform.training"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from labelplatform.training.services import register_job_kinds  # models exist only from here on

        register_job_kinds()
