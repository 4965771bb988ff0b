from django.apps import AppConfig


class TrainingConfig(AppConfig):
    name = "labelplatform.training"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from labelplatform.jobs import chores
        from labelplatform.training.round_steps import look_after_rounds
        from labelplatform.training.services import register_job_kinds  # models exist only from here on

        register_job_kinds()
        chores.register("rounds", look_after_rounds)
