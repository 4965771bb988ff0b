"""Why a line is refused, in the reader's language: taken apart by its grammar, nothing left in English."""

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.utils.translation import override

from labelplatform.accounts.models import Project, User
from labelplatform.labels.refusal_words import FOUND, WANTED, WHOLE, in_words
from tests.labelplatform.labels.bad_files import SMALL
from tests.labelplatform.labels.test_bad_imports import post

SignIn = Callable[[User], Any]
# What stays as it is in every language: names of keys, formats and programs, and whatever stands in quotes or brackets.
KEPT = re.compile(
    r"'[^']*'|\"[^\"]*\"|`[^`]*`|\[.*\]|\{.*\}|（[^）]*）|[\w.]*_\w+|\b(?:JSON|UTF-\d+|NUL|Unicode|null|true|false|zip|tar|"
    r"gzip|bzip2|xz|zstd|Parquet|PDF|argilla|API|NaN|-?Infinity|id|text|role|content|data|keys|item|items|prompt|flags|"
    r"label|labels|tiers|ranking|ranker|responses?|seconds|annotator|chosen|rejected|messages|question|instruction|"
    r"query|context|answer|system|user|assistant|human|A|B|C|r|e)\b",
    re.ASCII,
)


@pytest.mark.parametrize(
    ("told", "wanted"),
    [
        ("found an empty line, wanted one JSON object", "发现空行，应为一个 JSON 对象"),
        ("tiers: found text \"a\" twice, wanted fewer", "tiers：发现文本 \"a\"出现两次，应为更少"),
        ("a[0]: role: found null, wanted one of system, user", "a[0]: role：发现null，应为system, user 之一"),
        ("found more than 60 levels of nesting, wanted fewer", "发现超过 60 层嵌套，应为更少"),
        ("id: 'a' stands in line 1 already, with another content", "id：'a' 已出现在第 1 行，但内容不同"),
        ("found a row that does not end as it began (x)", "发现一行的结尾与开头不相称"),
        ("x: found a new thing, wanted another", "x：发现a new thing，应为another"),
        ("no sentence of theirs", "no sentence of theirs"),
    ],
)  # fmt: skip
def test_the_sentence_in_chinese(told: str, wanted: str) -> None:
    with override("zh-hans"):
        assert in_words(told) == wanted
    with override("en"):
        assert in_words(told) == told


def test_what_was_found_is_said_again_word_for_word_even_if_it_looks_like_a_sentence() -> None:
    told = 'id: found text "found a, wanted %(n)s: 100 %", wanted non-empty text'
    with override("zh-hans"):
        assert '"found a, wanted %(n)s: 100 %"' in in_words(told) or "%(n)s: 100 %" in in_words(told)


@pytest.mark.parametrize("patterns", [WHOLE, FOUND, WANTED])
def test_the_groups_of_a_pattern_are_those_of_its_words(patterns: Any) -> None:
    for pattern, words in patterns:
        assert set(re.findall(r"%\((\w+)\)s", words)) <= set(re.compile(pattern).groupindex)


@pytest.mark.parametrize("name", SMALL)
def test_no_refusal_of_a_bad_file_is_left_in_english(
    project: Project, rosa: User, sign_in: SignIn, name: str
) -> None:
    rosa.language = "zh-hans"
    rosa.save(update_fields=["language"])
    content, _told, _line = SMALL[name]
    answer = post(sign_in(rosa), project, content)
    page = unescape(answer.content.decode())
    for row in answer.context["preview"].refused:
        with override("zh-hans"):
            told = in_words(row.refusal)
        assert told in page
        assert re.findall(r"[A-Za-z]{2,}", KEPT.sub("", told)) == [], told
