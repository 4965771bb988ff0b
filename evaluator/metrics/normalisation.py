"""One spelling of an answer: what two texts must share to be the same name."""

import re
import unicodedata

ARTICLES = frozenset({"a", "an", "the"})
CHINESE = "㐀-䶿一-鿿豈-﫿"
INITIALS = re.compile(r"\b(?:[^\W\d_]\.){2,}")
THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}\b)")
# A number keeps its sign and its decimal point, each Chinese character is a word, other punctuation only separates.
WORD = re.compile(rf"(?<!\w)-?\d+(?:\.\d+)?|[{CHINESE}]|[^\W_{CHINESE}]+")


def words(text: str) -> list[str]:
    """The words of a text: NFKC, case folded, accents off Latin letters, apostrophes and articles dropped.

    Chinese characters are words of one. "The U.S.A.'s" gives ["usas"], "Côte d’Ivoire" ["cote", "divoire"].
    """
    plain = unicodedata.normalize("NFKC", text).replace("’", "'")
    plain = INITIALS.sub(lambda match: match.group().replace(".", ""), plain)
    plain = THOUSANDS.sub("", without_accents(plain).casefold().replace("'", ""))
    return [word for word in WORD.findall(plain) if word not in ARTICLES]


def without_accents(text: str) -> str:
    """The text without combining marks on Latin letters; marks of other scripts are letters and stay."""
    kept: list[str] = []
    letter = ""
    for character in unicodedata.normalize("NFD", text):
        if unicodedata.combining(character) and letter.isascii():
            continue
        if not unicodedata.combining(character):
            letter = character
        kept.append(character)
    return unicodedata.normalize("NFC", "".join(kept))


def occurrences(needle: list[str], haystack: list[str]) -> list[int]:
    """Where `needle` begins in `haystack` as consecutive whole words."""
    size = len(needle)
    return [i for i in range(len(haystack) - size + 1) if size and haystack[i : i + size] == needle]
