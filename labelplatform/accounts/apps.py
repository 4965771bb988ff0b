"""How Django finds this app."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "labelplatform.accounts"
    label = "accounts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # The lowest app of the street registers the site's own checks.
        import labelplatform.checks  # noqa: F401
