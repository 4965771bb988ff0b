"""What people type on the pages of this app."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.forms import AuthenticationForm
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from labelplatform.accounts import skills
from labelplatform.accounts.models import Role, User


class SignInForm(AuthenticationForm):
    """Name and password; the refusal never says which of the two was wrong."""

    error_messages = {
        "invalid_login": _("This name and password do not belong together. Check both and try again."),
        "inactive": _("This account is switched off. Ask an administrator of your project."),
    }

    def __init__(self, request: HttpRequest | None = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)
        self.fields["username"].label = pgettext_lazy("person", "Name")


class PreferencesForm(forms.Form):
    """A person's own language and colours."""

    # A language is named in its own words: whoever needs it may not read the other one.
    language = forms.ChoiceField(
        label=_("Language"),
        required=False,
        choices=[("", _("as the browser asks")), ("en", "English"), ("zh-hans", "简体中文")],
        widget=forms.RadioSelect,
    )
    theme = forms.ChoiceField(label=_("Colours"), choices=User.Theme.choices, widget=forms.RadioSelect)


class RoleForm(forms.Form):
    """A person's role in this project."""

    role = forms.ChoiceField(label=_("Role"), choices=Role.choices)


class LanguagesForm(forms.Form):
    """What somebody reads."""

    languages = forms.MultipleChoiceField(
        label=_("Languages"),
        required=False,
        choices=skills.language_choices,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Read well enough to judge what others wrote in them."),
    )


class SkillsForm(LanguagesForm):
    """What somebody reads and knows, as an administrator vouches for it."""

    domains = forms.CharField(
        label=_("Domains"),
        required=False,
        max_length=500,
        help_text=_(
            "Such as law, medicine, code: parted by commas. Campaigns ask for them by the same words."
        ),
    )

    def clean_domains(self) -> list[str]:
        """As a list, each once."""
        return skills.normal(self.cleaned_data["domains"].replace("，", ",").split(","))


class PersonForm(RoleForm):
    """Somebody who joins the project; an unknown name becomes a new account."""

    username = forms.CharField(
        label=pgettext_lazy("person", "Name"),
        max_length=150,
        validators=[User.username_validator],
        help_text=_("Letters, digits and @ . + - _ only. A name without an account gets one."),
    )
    field_order = ["username", "role"]


LANGUAGE_CODES = frozenset(code for code, _name in settings.LANGUAGES)
