"""Flags as people read them."""

from django.utils.translation import gettext as _


def flag_choices() -> list[tuple[str, str]]:
    """Each flag's name in the public format with its words in the reader's language."""
    return [
        ("fails-task", _("Does not do what was asked")),
        ("inappropriate-for-assistant", _("Inappropriate for an assistant")),
        ("hallucination", _("Invents facts")),
        ("satisfies-constraint", _("Keeps a constraint that the prompt states")),
        ("sexual-content", _("Sexual content")),
        ("violent-content", _("Violent content")),
        ("encourages-harm", _("Encourages harm, or fails to discourage it")),
        ("denigrates-protected-class", _("Denigrates a protected group")),
        ("harmful-advice", _("Gives harmful advice")),
        ("expresses-opinion", _("Expresses an opinion")),
        ("moral-judgement", _("Expresses a moral judgement")),
    ]
