"""Languages that people read and domains that they know, as names that are compared."""

from collections.abc import Iterable

from django.conf.locale import LANG_INFO

# What is offered on pages, in the order of their codes; each is named in its own words.
LANGUAGES = (
    *("ar", "bn", "cs", "de", "el", "en", "es", "fa", "fr", "he", "hi", "hu", "id", "it", "ja", "ko"),
    *("nl", "pl", "pt", "ro", "ru", "sv", "sw", "ta", "th", "tr", "uk", "ur", "vi", "zh"),
)
MOST_DOMAIN_CHARACTERS = 60


def language_name(code: str) -> str:
    """A language in its own words; the code itself where we know none."""
    if code == "zh":
        return "中文"
    return str(LANG_INFO.get(code, {}).get("name_local", code))


def language_choices() -> list[tuple[str, str]]:
    """The languages that pages offer."""
    return [(code, language_name(code)) for code in LANGUAGES]


def primary(language: str) -> str:
    """The primary subtag of a language: "zh" of "zh-Hans", which all who read zh are taken to read."""
    return language.strip().lower().split("-")[0]


def is_code(code: str) -> bool:
    """Whether this is a primary subtag: two to eight letters."""
    return code.isascii() and code.isalpha() and 2 <= len(code) <= 8


def normal(domains: Iterable[str]) -> list[str]:
    """Domains as they are compared: small letters, single blanks, each once, in order."""
    cleaned = (" ".join(domain.lower().split())[:MOST_DOMAIN_CHARACTERS] for domain in domains)
    return sorted({domain for domain in cleaned if domain})
