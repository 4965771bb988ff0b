"""Registers the toy kind in every process of a toy site."""

from django.apps import AppConfig


class ToyConfig(AppConfig):
    name = "tests.faults"
    label = "toys"

    def ready(self) -> None:
        from labelplatform.jobs import kinds
        from tests.labelplatform.jobs.toys import TOY

        kinds.register(TOY)
