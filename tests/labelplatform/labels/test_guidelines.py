"""Guidelines: versions that never change, which one a label was given under, what is different, who is told once."""

from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from labelplatform.accounts.models import AuditEntry, Project, User
from labelplatform.labels import guidelines, services
from labelplatform.labels.guideline_text import passages, shown_guidelines, text_for
from labelplatform.labels.models import Campaign, GuidelineReading, GuidelineVersion, Ranking
from labelplatform.labels.word_diff import MOST_WORDS, Part, shortened, word_diff, words
from labelplatform.snapshots.guidelines import guideline_version
from tests.labelplatform.labels.building import build_campaign, claimed, submit

SignIn = Callable[[User], Client]
OLD = "Right before wrong.\n\nTies are welcome.\n"


@pytest.fixture
def campaign(project: Project, rosa: User) -> Campaign:
    return build_campaign(project, rosa, prompts=4, overlap=2)


def publish(campaign: Campaign, by: User, english: str = OLD, **told: object) -> GuidelineVersion:
    given = {"note": "Told anew.", **told}
    return services.publish_guidelines(campaign=campaign, by=by, english=english, **given)  # type: ignore[arg-type]


def page(campaign: Campaign, name: str = "guidelines") -> str:
    return reverse(f"labels:{name}", args=[campaign.project.slug, campaign.pk])


def test_a_campaign_made_with_a_text_has_it_as_version_one(project: Project, rosa: User) -> None:
    campaign = services.create_campaign(project=project, name="told", by=rosa, guidelines="Be fair.")
    (version,) = guidelines.history(campaign)
    assert (version.number, version.english, version.chinese, version.by) == (1, "Be fair.", "", rosa)
    silent = services.create_campaign(project=project, name="silent", by=rosa, guidelines="  \n")
    assert guidelines.newest(silent) is None


def test_versions_count_up_and_the_trail_says_so(campaign: Campaign, rosa: User) -> None:
    made = [publish(campaign, rosa, text) for text in ("one", "two", "three")]
    assert [version.number for version in made] == [1, 2, 3]
    assert guidelines.newest(campaign) == made[2]
    assert [version.number for version in guidelines.history(campaign)] == [3, 2, 1]
    told = AuditEntry.objects.filter(verb="published guidelines").order_by("pk")
    assert [(entry.by, entry.detail) for entry in told] == [(rosa, {"number": n}) for n in (1, 2, 3)]


def test_a_version_is_never_earlier_than_the_last(campaign: Campaign, rosa: User) -> None:
    first = publish(campaign, rosa, "one")
    later = first.at + timedelta(hours=3)
    GuidelineVersion.objects.create(campaign=campaign, number=2, english="from a fast clock", at=later)
    assert publish(campaign, rosa, "three").at == later


def test_a_version_never_changes_and_never_goes(campaign: Campaign, rosa: User) -> None:
    publish(campaign, rosa)
    with pytest.raises(TypeError, match="never changes"):
        GuidelineVersion.objects.filter(campaign=campaign).update(english="else")
    with pytest.raises(TypeError, match="never goes"):
        GuidelineVersion.objects.filter(campaign=campaign).delete()
    with pytest.raises(IntegrityError), transaction.atomic():
        GuidelineVersion.objects.create(campaign=campaign, number=1, english="else", at=timezone.now())


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"english": " \r\n "}, "at least one language"),
        ({"english": OLD.replace("\n", "\r\n")}, "Nothing has changed"),
        ({"english": "new", "note": " "}, "what changed"),
        ({"english": "new", "based_on": 0}, "Somebody has published"),
        ({"english": "x" * 100_001}, "read by nobody"),
    ],
)
def test_what_is_no_new_version_is_refused(
    campaign: Campaign, rosa: User, told: dict[str, object], why: str
) -> None:
    publish(campaign, rosa, note="")
    with pytest.raises(services.GuidelinesRefused, match=why):
        publish(campaign, rosa, **told)  # type: ignore[arg-type]
    assert campaign.guideline_versions.count() == 1


def test_the_same_words_in_another_language_are_something_new(campaign: Campaign, rosa: User) -> None:
    publish(campaign, rosa)
    assert publish(campaign, rosa, chinese="公平。", based_on=1).number == 2


def test_a_label_counts_under_the_version_of_its_time(campaign: Campaign, ada: User, rosa: User) -> None:
    before = submit(claimed(campaign, ada), ada)
    first = publish(campaign, rosa, "one")
    under_one = [submit(claimed(campaign, ada), ada) for _ in range(2)]
    second = publish(campaign, rosa, "two")
    under_two = submit(claimed(campaign, ada), ada)
    told = [guidelines.in_force(campaign, one.at) for one in (before, *under_one, under_two)]
    assert told == [None, first, first, second]
    assert guidelines.in_force(campaign, first.at) == first
    uses = guidelines.labels_by_version(Ranking.objects.all())
    assert [(use.campaign, use.number, use.labels) for use in uses] == [
        ("ranking", None, 1),
        ("ranking", 1, 2),
        ("ranking", 2, 1),
    ]
    assert guideline_version(Ranking.objects.all()) == "ranking: none, 1, 2"
    assert guideline_version(Ranking.objects.filter(pk=before.pk)) == "ranking: none"


def test_a_manifest_names_each_campaign_by_itself(project: Project, ada: User, rosa: User) -> None:
    for name in ("a", "b"):
        campaign = build_campaign(project, rosa, prompts=1, name=name)
        publish(campaign, rosa, name)
        submit(claimed(campaign, ada), ada)
    assert guideline_version(Ranking.objects.all()) == "a: 1; b: 1"


def test_a_reader_gets_their_language_and_else_the_other() -> None:
    both = GuidelineVersion(english="Be fair.", chinese="公平。")
    assert [text_for(both, language) for language in ("en", "zh-hans")] == ["Be fair.", "公平。"]
    chinese, english = GuidelineVersion(chinese="公平。"), GuidelineVersion(english="Be fair.", chinese=" ")
    assert text_for(chinese, "en") == "公平。"
    assert text_for(english, "zh-hans") == "Be fair."
    told = [shown_guidelines(*asked) for asked in ((chinese, "en"), (english, "zh-hans"), (both, "zh-hans"))]
    assert [(one.other_language, one.language) for one in told] == [
        (True, "zh-Hans"),
        (True, ""),
        (False, "zh-Hans"),
    ]


def test_examples_stand_in_boxes_and_code_is_left_alone() -> None:
    text = "Before\n::: good\n**short**\n:::\n::: BAD\nlong\n:::\n```\n::: good\n:::\n```\n:::\n::: ugly\n::: bad\nopen"
    assert list(passages(text)) == [
        ("text", "Before"),
        ("good", "**short**"),
        ("bad", "long"),
        ("text", "```\n::: good\n:::\n```\n:::\n::: ugly"),
        ("bad", "open"),
    ]
    assert list(passages("\n\n::: good\n\n:::\n")) == []


TEXTS = st.text(alphabet="ab 好坏.\n\r\u2028<", max_size=60)


@given(TEXTS, TEXTS)
def test_the_parts_of_a_difference_make_both_texts(older: str, newer: str) -> None:
    parts = word_diff(older, newer)
    assert "".join(part.text for part in parts if part.kind != "added") == older
    assert "".join(part.text for part in parts if part.kind != "removed") == newer
    assert all(part.text for part in parts)
    assert all(one.kind != other.kind for one, other in pairwise(parts))


@given(TEXTS)
def test_a_text_does_not_differ_from_itself(text: str) -> None:
    assert word_diff(text, text) == ([Part("same", text)] if text else [])
    assert "".join(words(text)) == text


def test_a_difference_is_told_by_words_and_by_characters() -> None:
    assert word_diff("Ties are welcome.\n", "Ties are rare.\n") == [
        Part("same", "Ties are "),
        Part("removed", "welcome"),
        Part("added", "rare"),
        Part("same", ".\n"),
    ]
    assert word_diff("先对后错", "先对再错")[1:3] == [Part("removed", "后"), Part("added", "再")]
    # Neighbouring words are one change.
    assert word_diff("a b c d", "a x y d")[1:3] == [Part("removed", "b c"), Part("added", "x y")]
    # A blank that stands beside no change is none.
    assert word_diff(" a", " b") == [Part("same", " "), Part("removed", "a"), Part("added", "b")]
    long = "w " * (MOST_WORDS + 1)
    assert [part.kind for part in word_diff(long + "a", long + "b")] == ["removed", "added"]


def test_what_did_not_change_is_shortened_but_beside_a_change() -> None:
    parts = [
        Part("same", "a" * 50),
        Part("removed", "x" * 50),
        Part("same", "b" * 30 + "c" * 30),
        Part("added", "y"),
    ]
    assert shortened(parts, around=10) == [
        Part("left-out", ""),
        Part("same", "a" * 10),
        Part("removed", "x" * 50),
        Part("same", "b" * 10),
        Part("left-out", ""),
        Part("same", "c" * 10),
        Part("added", "y"),
    ]
    assert shortened([Part("same", "a" * 20)], around=10) == [Part("same", "a" * 20)]
    assert shortened([Part("added", "n"), Part("same", "a" * 21)], around=10)[1:] == [
        Part("same", "a" * 10),
        Part("left-out", ""),
    ]


def unread(annotator: User, campaign: Campaign, language: str = "en") -> list[tuple[int, int]]:
    found = guidelines.unread_changes(annotator, [campaign], language)
    return [(change.older.number, change.newer.number) for change in found.values()]


def test_whoever_labelled_under_an_older_version_is_told_until_they_confirm(
    campaign: Campaign, ada: User, ben: User, rosa: User
) -> None:
    publish(campaign, rosa, "one")
    submit(claimed(campaign, ada), ada)
    assert unread(ada, campaign) == []
    publish(campaign, rosa, "two", note="Two it is.")
    # Going on without a look at the queue does not count as having read it.
    submit(claimed(campaign, ada), ada)
    assert unread(ada, campaign) == [(1, 2)]
    # Who is new has nothing to unlearn, and who begins now begins with the second.
    assert unread(ben, campaign) == []
    submit(claimed(campaign, ben), ben)
    assert unread(ben, campaign) == []
    services.confirm_guidelines(campaign=campaign, number=2, by=ada)
    assert unread(ada, campaign) == []
    publish(campaign, rosa, "three", note="Three.")
    publish(campaign, rosa, "four", note="Four.")
    assert (unread(ada, campaign), unread(ben, campaign)) == ([(2, 4)], [(2, 4)])
    (change,) = guidelines.unread_changes(ada, [campaign], "en").values()
    assert change.notes == ["Three.", "Four."]
    assert change.parts == [Part("removed", "two"), Part("added", "four")]


def test_a_reading_never_goes_back_nor_ahead(campaign: Campaign, ada: User, rosa: User) -> None:
    for text in ("one", "two"):
        publish(campaign, rosa, text)
    for number in (2, 1):
        services.confirm_guidelines(campaign=campaign, number=number, by=ada)
    assert GuidelineReading.objects.get().number == 2
    for number in (0, 3):
        with pytest.raises(services.GuidelinesRefused):
            services.confirm_guidelines(campaign=campaign, number=number, by=ada)


def test_a_change_is_told_in_the_language_that_is_read(campaign: Campaign, ada: User, rosa: User) -> None:
    publish(campaign, rosa, "one", chinese="一")
    submit(claimed(campaign, ada), ada)
    publish(campaign, rosa, "two", chinese="二")
    for language, older, newer in (("en", "one", "two"), ("zh-hans", "一", "二")):
        (change,) = guidelines.unread_changes(ada, [campaign], language).values()
        assert change.parts == [Part("removed", older), Part("added", newer)]


def test_one_statement_while_nothing_has_changed(campaign: Campaign, ada: User, rosa: User) -> None:
    publish(campaign, rosa)
    with CaptureQueriesContext(
        connection,
    ) as asked:
        assert guidelines.unread_changes(ada, [campaign], "en") == {}
    assert len(asked) == 1


def test_the_queue_tells_once_and_takes_the_confirmation(
    campaign: Campaign, ada: User, rosa: User, sign_in: SignIn
) -> None:
    publish(campaign, rosa, "Ties are welcome.")
    submit(claimed(campaign, ada), ada)
    publish(campaign, rosa, "Ties are rare.", note="Fewer <ties>.")
    browser, queue = sign_in(ada), reverse("labels:queue", args=["harbour"])
    for address in (queue, page(campaign)):
        shown = browser.get(address).content.decode()
        assert "The guidelines changed" in shown
        assert "Fewer &lt;ties&gt;." in shown
        assert "<del>welcome</del><ins>rare</ins>" in shown
    answer = browser.post(page(campaign, "confirm_guidelines"), {"number": 2})
    assert answer.headers["Location"] == queue
    for address in (queue, page(campaign)):
        assert "The guidelines changed" not in browser.get(address).content.decode()
    browser.post(page(campaign, "confirm_guidelines"), {"number": "nine"})
    assert GuidelineReading.objects.get().number == 2


def test_a_page_shows_text_and_boxes_and_runs_nothing(
    campaign: Campaign, ada: User, rosa: User, sign_in: SignIn
) -> None:
    publish(campaign, rosa, "# Rules\n<script>alert(1)</script>\n::: good\n*yes*\n:::")
    browser = sign_in(ada)
    for address, heading in ((page(campaign), "h2"), (page(campaign) + "?in=panel", "h3")):
        shown = browser.get(address).content.decode()
        assert f"<{heading}>Rules</{heading}>" in shown
        assert "<script>alert" not in shown
        assert "example--good" in shown
        assert "<em>yes</em>" in shown
    assert "<html" not in browser.get(page(campaign) + "?in=panel").content.decode()
    assert browser.get(page(campaign) + "?version=1").status_code == 200
    for wrong in ("2", "0", "x", "-1", "1" * 30):
        assert browser.get(f"{page(campaign)}?version={wrong}").status_code == 404


def test_a_label_tells_its_version_on_its_page(
    campaign: Campaign, ada: User, rosa: User, sign_in: SignIn
) -> None:
    publish(campaign, rosa, "one")
    ranking = submit(claimed(campaign, ada), ada)
    publish(campaign, rosa, "two")
    shown = sign_in(rosa).get(reverse("labels:ranking", args=["harbour", ranking.pk])).content.decode()
    assert "under version 1 of the guidelines" in shown


def test_any_two_versions_are_compared(campaign: Campaign, rosa: User, ada: User, sign_in: SignIn) -> None:
    for text in ("one", "two", "three"):
        publish(campaign, rosa, text)
    browser, address = sign_in(ada), page(campaign, "guideline_history")
    assert "<del>two</del><ins>three</ins>" in browser.get(address).content.decode()
    # Whichever is named first, the older one is.
    for asked in ("?from=1&to=3", "?from=3&to=1"):
        assert "<del>one</del><ins>three</ins>" in browser.get(address + asked).content.decode()
    assert browser.get(address + "?from=1&to=4").status_code == 404
    # Who wrote a version is for researchers.
    assert "Written by" not in browser.get(address).content.decode()
    assert "Written by" in sign_in(rosa).get(address).content.decode()


def test_a_researcher_writes_looks_and_publishes(campaign: Campaign, rosa: User, sign_in: SignIn) -> None:
    browser, address = sign_in(rosa), page(campaign, "edit_guidelines")
    written = {"english": "Be **fair**.", "chinese": "要公平。", "based_on": "0"}
    looked = browser.post(address, {**written, "preview": "1"})
    assert looked.status_code == 200
    assert "Be <strong>fair</strong>." in looked.content.decode()
    assert guidelines.newest(campaign) is None
    assert browser.post(address, written).headers["Location"] == page(campaign)
    version = guidelines.newest(campaign)
    assert version is not None
    assert (version.english, version.chinese, version.by) == ("Be **fair**.", "要公平。", rosa)
    again = browser.post(address, {**written, "english": "Be kind.", "note": "Kinder."})
    assert again.status_code == 422
    assert "Somebody has published" in again.content.decode()
    assert 'name="based_on" value="1"' in browser.get(address).content.decode()


def test_annotators_write_no_guidelines(campaign: Campaign, ada: User, rosa: User, sign_in: SignIn) -> None:
    address = page(campaign, "edit_guidelines")
    assert (sign_in(ada).get(address).status_code, sign_in(rosa).get(address).status_code) == (403, 200)
    assert sign_in(ada).post(address, {"english": "Mine.", "based_on": "0"}).status_code == 403
    assert guidelines.newest(campaign) is None
