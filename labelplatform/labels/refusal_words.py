"""Why a line of an import is refused, in the reader's language.

The readers of files are plain libraries: they say one English sentence, "where: found this, wanted that". Here that
sentence is taken apart by its grammar and each part looked up. What no pattern knows stays as it is, inside the frame.
"""

import re
from collections.abc import Sequence

from django.utils.translation import get_language, gettext_noop
from django.utils.translation import gettext as _

SENTENCE = re.compile(
    r"(?:(?P<where>[^:]+(?:: [^: ]+)*?): )?found (?P<found>.+?)(?:, wanted (?P<wanted>.+))?", re.DOTALL
)

# Each pattern with its words; a group is said again in them, and looked up itself where its name ends in "_found".
WHOLE = (
    (r"(?P<where>[^:]+): (?P<one>.+) differs from (?P<other>.+) of line (?P<line>\d+) by case or Unicode form alone, "
     r"wanted ids that people can tell apart",
     gettext_noop("%(where)s: %(one)s differs from %(other)s of line %(line)s by case or Unicode form alone, "
          "wanted ids that people can tell apart")),
    (r"responses: the ids (?P<one>.+) and (?P<other>.+) differ by case or Unicode form alone",
     gettext_noop("responses: the ids %(one)s and %(other)s differ by case or Unicode form alone")),
    (r"id: (?P<one>.+) stands in line (?P<line>\d+) already, with another content",
     gettext_noop("id: %(one)s stands in line %(line)s already, with another content")),
    (r"id: (?P<one>.+) stands in more than one line", gettext_noop("id: %(one)s stands in more than one line")),
    (r"id: (?P<one>.+) is recorded (?:in this project )?already, with another (?:content|order)",
     gettext_noop("id: %(one)s is recorded in this project already, with another content")),
    (r"id: (?P<one>.+) is a (?:label|ranking) of another campaign of this project",
     gettext_noop("id: %(one)s is a label of another campaign of this project")),
    (r"annotator: (?P<one>.+) has (?:ranked|labelled) this item already",
     gettext_noop("annotator: %(one)s has labelled this item already")),
    (r"prompt_id: (?P<one>.+) is there already, with another prompt",
     gettext_noop("prompt_id: %(one)s is there already, with another prompt")),
    (r"responses: (?P<one>.+) is there already for this prompt, with another text",
     gettext_noop("responses: %(one)s is there already for this prompt, with another text")),
    (r"item: (?P<one>.+) is there already, with other responses",
     gettext_noop("item: %(one)s is there already, with other responses")),
    (r"item: (?P<one>.+) is not in this campaign, or has (?:an)?other .+ there",
     gettext_noop("item: %(one)s is not in this campaign, or has other texts there")),
    (r"(?P<where>[^:]+): found only (?P<only>true|false) for this prompt, wanted a (?P<other>true|false) one on a "
     r"neighbouring line too: .+",
     gettext_noop("%(where)s: found only %(only)s for this prompt, wanted a %(other)s one on a neighbouring line too: "
          "one label alone is no ranking (a completion labelled true can become a demonstration)")),
)  # fmt: skip
FOUND = (
    (r"(?P<one_found>(?:a list|an object|text|a number|a boolean|null) .+) and "
     r"(?P<other_found>(?:a list|an object|text|a number|a boolean|null) .+)",
     gettext_noop("%(one_found)s and %(other_found)s")),
    (r"(?P<rest_found>.+) twice", gettext_noop("%(rest_found)s twice")),
    (r"(?P<rest_found>.+) again \(line (?P<line>\d+)\)", gettext_noop("%(rest_found)s again (line %(line)s)")),
    (r"a list (?P<what>\[.*)", gettext_noop("a list %(what)s")),
    (r"an object (?P<what>\{.*)", gettext_noop("an object %(what)s")),
    (r"text (?P<what>\".*)", gettext_noop("text %(what)s")),
    (r"a boolean (?P<what>true|false)", gettext_noop("a boolean %(what)s")),
    (r"null(?: null)?", gettext_noop("null")),
    (r"a number (?P<what>-?[\d.eE+-]+)", gettext_noop("a number %(what)s")),
    (r"a number too large(?: \((?P<what>.+)\))?", gettext_noop("a number that is too large")),
    (r"nothing", gettext_noop("nothing")),
    (r"(?P<n>\d+) characters", gettext_noop("%(n)s characters")),
    (r"(?P<n>\d+) of them", gettext_noop("%(n)s of them")),
    (r"(?P<n>\d+) cells", gettext_noop("%(n)s cells")),
    (r"(?P<n>\d+) bytes", gettext_noop("%(n)s bytes")),
    (r"(?P<n>\d+) levels of nesting", gettext_noop("%(n)s levels of nesting")),
    (r"(?P<n>\d+) neighbours", gettext_noop("%(n)s neighbours")),
    (r"(?P<n>\d+) bytes in one line or entry", gettext_noop("%(n)s bytes in one line or entry")),
    (r"(?P<n>\d+) messages after the prompt", gettext_noop("%(n)s messages after the prompt")),
    (r"(?P<n>\d+) rankings in one annotation", gettext_noop("%(n)s rankings in one annotation")),
    (r"more than (?P<rest_found>.+)", gettext_noop("more than %(rest_found)s")),
    (r"a whole number of more than 63 bits", gettext_noop("a whole number of more than 63 bits")),
    (r"a NUL character", gettext_noop("a NUL character")),
    (r"a lone surrogate", gettext_noop("a lone surrogate")),
    (r"a byte order mark", gettext_noop("a byte order mark")),
    (r"bytes that are not UTF-8 \(byte (?P<n>\d+)\)", gettext_noop("bytes that are not UTF-8 (byte %(n)s)")),
    (r"UTF-16 or UTF-32", gettext_noop("UTF-16 or UTF-32")),
    (r"a binary file or UTF-16", gettext_noop("a binary file or UTF-16")),
    (r"a tar archive", gettext_noop("a tar archive")),
    (r"an empty zip archive", gettext_noop("an empty zip archive")),
    (r"a zip archive.*", gettext_noop("a zip archive (spreadsheet programs' .xlsx and .ods are zip archives too)")),
    (r"an? (?P<what>Parquet|bzip2|gzip|xz|zstd) file", gettext_noop("a %(what)s file")),
    (r"a database", gettext_noop("a database")),
    (r"a picture", gettext_noop("a picture")),
    (r"a PDF document", gettext_noop("a PDF document")),
    (r"an empty file", gettext_noop("an empty file")),
    (r"an empty line", gettext_noop("an empty line")),
    (r"an empty list", gettext_noop("an empty list")),
    (r"an empty tier", gettext_noop("an empty tier")),
    (r"an empty cell", gettext_noop("an empty cell")),
    (r"an empty name", gettext_noop("an empty name")),
    (r"a name", gettext_noop("a name")),
    (r"no record", gettext_noop("no record")),
    (r"no line", gettext_noop("no line")),
    (r"no (?P<what>'.+')", gettext_noop("no %(what)s")),
    (r"no column (?P<what>'.+')", gettext_noop("no column %(what)s")),
    (r"the column (?P<what>'.+')", gettext_noop("the column %(what)s")),
    (r"the key (?P<what>\".+\")", gettext_noop("the key %(what)s")),
    (r"the constant (?P<what>\S+)", gettext_noop("the constant %(what)s")),
    (r"the id (?P<what>'.+')", gettext_noop("the id %(what)s")),
    (r"the option (?P<what>.+)", gettext_noop("the option %(what)s")),
    (r"the end of the file inside the list", gettext_noop("the end of the file inside the list")),
    (r"more after the end of the list", gettext_noop("more after the end of the list")),
    (r"nesting too deep", gettext_noop("nesting too deep")),
    (r"a row that does not end as it began \(.+\)", gettext_noop("a row that does not end as it began")),
    (r"a name of (?P<n>\d+) characters", gettext_noop("a name of %(n)s characters")),
    (r"a last turn of (?P<what>\w+)", gettext_noop("a last turn of %(what)s")),
    (r"an answer of (?P<what>\w+)", gettext_noop("an answer of %(what)s")),
    (r"an answer to nothing", gettext_noop("an answer to nothing")),
    (r"a first record with the keys (?P<what>.+)", gettext_noop("a first record with the keys %(what)s")),
    (r"no list of messages", gettext_noop("no list of messages")),
    (r"options without ranks", gettext_noop("options without ranks")),
    (r"none of (?P<what>.+)", gettext_noop("none of %(what)s")),
    (r"no common beginning and no prompt", gettext_noop("no common beginning and no prompt")),
    (r"no common first message and no prompt", gettext_noop("no common first message and no prompt")),
    (r"another text than the last of `messages`", gettext_noop("another text than the last of `messages`")),
    (r"neither JSON nor a table whose first line names prompt, ranking, answer_a and answer_b",
     gettext_noop("neither JSON nor a table whose first line names prompt, ranking, answer_a and answer_b")),
    # What Python's reader of JSON says, and at which character of the line.
    (r"Expecting .+: line \d+ column \d+ \(char (?P<n>\d+)\)", gettext_noop("no JSON (character %(n)s)")),
    (r"(?:Extra data|Unterminated string starting at|Invalid .+): line \d+ column \d+ \(char (?P<n>\d+)\)",
     gettext_noop("no JSON (character %(n)s)")),
    (r"Exceeds the limit .+", gettext_noop("a number of too many digits")),
)  # fmt: skip
WANTED = (
    (r"one JSON object", gettext_noop("one JSON object")),
    (r"(?P<empty>non-empty )text", gettext_noop("text that is not empty")),
    (r"text", gettext_noop("text")),
    (r"text without it", gettext_noop("text without it")),
    (r"UTF-8", gettext_noop("UTF-8")),
    (r"UTF-8 without one", gettext_noop("UTF-8 without one")),
    (r"UTF-8: save the file again as UTF-8", gettext_noop("UTF-8: save the file again as UTF-8")),
    (r"a text file in UTF-8", gettext_noop("a text file in UTF-8")),
    (r"(?:well-formed|valid) Unicode", gettext_noop("well-formed Unicode")),
    (r"the plain text file inside: unpack it first", gettext_noop("the plain text file inside: unpack it first")),
    (r"at least one(?: record)?", gettext_noop("at least one record")),
    (r"at least one response id", gettext_noop("at least one response id")),
    (r"at least (?P<what>.+)", gettext_noop("at least %(what)s")),
    (r"at most (?P<n>[\d.e+]+)", gettext_noop("at most %(n)s")),
    (r"fewer", gettext_noop("fewer")),
    (r"a smaller one", gettext_noop("a smaller one")),
    (r"each once", gettext_noop("each once")),
    (r"each response once", gettext_noop("each response once")),
    (r"every response id once", gettext_noop("every response id once")),
    (r"unique ids", gettext_noop("unique ids")),
    (r"one of the response ids", gettext_noop("one of the response ids")),
    (r"one of the formats of this page", gettext_noop("one of the formats of this page")),
    (r"one of the assistant", gettext_noop("one of the assistant")),
    (r"one of an item in data", gettext_noop("one of an item in data")),
    (r"one of (?P<what>.+)", gettext_noop("one of %(what)s")),
    (r"one answer", gettext_noop("one answer")),
    (r"one of them", gettext_noop("one of them")),
    (r"one", gettext_noop("one")),
    (r"one, or an empty cell", gettext_noop("one, or an empty cell")),
    (r"one list alone", gettext_noop("one list alone")),
    (r"a whole list", gettext_noop("a whole list")),
    (r"a list of (?P<fewest>\d+) to (?P<most>\d+)", gettext_noop("a list of %(fewest)s to %(most)s")),
    (r"a list of at least one message", gettext_noop("a list of at least one message")),
    (r"a list of lists of response ids", gettext_noop("a list of lists of response ids")),
    (r"a list of names", gettext_noop("a list of names")),
    (r"a list of messages", gettext_noop("a list of messages")),
    (r"a list of item ids, best first", gettext_noop("a list of item ids, best first")),
    (r"a number, at least 0", gettext_noop("a number, at least 0")),
    (r"a number, (?P<what>.+)", gettext_noop("a number, %(what)s")),
    (r"a whole number", gettext_noop("a whole number")),
    (r"true", gettext_noop("true")),
    (r"true or false", gettext_noop("true or false")),
    (r"an object", gettext_noop("an object")),
    (r"an object with id and text", gettext_noop("an object with id and text")),
    (r"an object with role and content", gettext_noop("an object with role and content")),
    (r"an object of numbers 1 to 7", gettext_noop("an object of numbers 1 to 7")),
    (r"an object by response id", gettext_noop("an object by response id")),
    (r"(?P<n>\d+) as in the first line", gettext_noop("%(n)s as in the first line")),
    (r"(?P<n>\d+) \(one per tier gap\)", gettext_noop("%(n)s (one per tier gap)")),
    (r"2 in a comparison", gettext_noop("2 in a comparison")),
    (r"two texts or two lists of messages", gettext_noop("two texts or two lists of messages")),
    (r"letters of this row's answers \((?P<what>.+)\)", gettext_noop("letters of this row's answers (%(what)s)")),
    (r"the prompt under one of them", gettext_noop("the prompt under one of them")),
    (r"a rank for each: this export lost them \(argilla issue 5712\); export through the server's API instead",
     gettext_noop("a rank for each: this export lost them (argilla issue 5712); "
                  "export through the server's API instead")),
)  # fmt: skip
Patterns = Sequence[tuple[str, str]]


def in_words(refusal: str) -> str:
    """The sentence in the language of this page; the English one is as the libraries say it."""
    if (get_language() or "en").startswith("en"):
        return refusal
    whole = _looked_up(refusal, WHOLE)
    if whole is not None:
        return whole
    told = SENTENCE.fullmatch(refusal)
    if told is None:
        return refusal
    parts = {"found": _part(told["found"], FOUND), "where": told["where"] or ""}
    if told["wanted"] is not None:
        parts["wanted"] = _part(told["wanted"], WANTED)
        if told["where"]:
            return _("%(where)s: found %(found)s, wanted %(wanted)s") % parts
        return _("found %(found)s, wanted %(wanted)s") % parts
    return (_("%(where)s: found %(found)s") if told["where"] else _("found %(found)s")) % parts


def _part(text: str, patterns: Patterns) -> str:
    found = _looked_up(text, patterns)
    return text if found is None else found


def _looked_up(text: str, patterns: Patterns) -> str | None:
    """The words of the first pattern that the whole text fits."""
    for pattern, words in patterns:
        if told := re.fullmatch(pattern, text, re.DOTALL):
            parts = {
                name: _part(value or "", FOUND) if name.endswith("_found") else value or ""
                for name, value in told.groupdict().items()
            }
            return _(words) % parts
    return None
