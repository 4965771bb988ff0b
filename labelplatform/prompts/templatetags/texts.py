"""Prompts and responses in templates."""

from django import template
from django.utils.safestring import SafeString
from django.utils.translation import pgettext

from labelplatform.prompts.rendering import language_of, render_markdown

register = template.Library()


@register.filter
def rendered(text: str) -> SafeString:
    """Markdown as sanitised HTML."""
    return render_markdown(text)


@register.filter
def language(text: str, told: str = "") -> str:
    """The value for `lang`; empty where nobody knows."""
    return language_of(text, told)


@register.filter
def speaker(role: str) -> str:
    """Who speaks a message, as a word in the reader's language."""
    names = {
        "system": pgettext("speaker", "instruction"),
        "user": pgettext("speaker", "person"),
        "assistant": pgettext("speaker", "assistant"),
    }
    return names.get(role, role)
