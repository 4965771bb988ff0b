from django.apps import AppConfig


class EvaluationsConfig(AppConfig):
    name = "labelplatform.evaluations"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from labelplatform.evaluations.services import register_job_kinds  # models exist only from here on

        register_job_kinds()
