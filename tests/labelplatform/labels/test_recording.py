"""Rankings by import, by rule and from chat: the same rules, and the public line comes back as it went in."""

import json
import random
import uuid
from typing import Any

import pytest

from labelplatform.accounts.models import AuditEntry, Project, User
from labelplatform.labels import queries, services
from labelplatform.labels.models import Campaign, Ranking, Slot
from labelplatform.prompts.models import Response
from tests.labelplatform.builders import build_artifact, build_membership, build_user
from tests.labelplatform.labels.building import build_campaign, build_prompt_set, claimed, submit
from trainer.rankings import parse_ranking, to_line

TEXTS = (
    "commas, and\nnewlines",
    "emoji 🦊‍🔥",
    "مرحبا بالعالم",
    "天空是蓝色的。",
    '"quotes" \\ and \ttabs',
    "",
    " spaces ",
)


def random_line(number: int, chance: random.Random) -> dict[str, Any]:
    ids = [f"r{number}-{place}" for place in range(chance.randint(2, 9))]
    shuffled = chance.sample(ids, len(ids))
    tiers: list[list[str]] = []
    for name in shuffled[: chance.randint(1, len(ids))]:
        if tiers and chance.random() < 0.3:
            tiers[-1].append(name)
        else:
            tiers.append([name])
    line: dict[str, Any] = {
        "id": f"line-{number}",
        "prompt": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": f"{number} {chance.choice(TEXTS)}"},
        ],
        "responses": [{"id": name, "text": f"{chance.choice(TEXTS)} {name}"} for name in ids],
        "tiers": tiers,
        "annotator": chance.choice(["ada", "somebody else", "标注员"]),
        "kind": "ranking",
        "item": f"item-{number}",
        "prompt_id": f"prompt-{number}",
        "source": "import",
    }
    if chance.random() < 0.5:
        line |= {
            "seconds": 12.5,
            "shown_order": shuffled,
            "my own key": {"deep": [1, None, "ü"]},
            "split": "train",
        }
    if chance.random() < 0.5:
        line |= {
            "margins": [chance.choice([1, 2, 3, 1.5]) for _gap in tiers[1:]],
            "flags": {ids[0]: ["odd"]},
            "ratings": {
                name: {"overall": chance.randint(1, 7), "harmless": 6.5}
                for name in chance.sample(ids, chance.randint(1, len(ids)))
            },
        }
    if chance.random() < 0.3:
        line["responses"][0]["policy"] = "some-model"
    return line


@pytest.fixture
def imports(project: Project, rosa: User) -> Campaign:
    return services.create_campaign(project=project, name="imports", by=rosa, source="import", overlap=0)


def test_random_tiered_rankings_come_back_as_they_went_in(imports: Campaign, rosa: User) -> None:
    chance = random.Random(7)
    lines = [random_line(number, chance) for number in range(60)]
    stored = services.record_rankings(campaign=imports, rankings=lines, by=rosa)
    assert len(stored) == 60
    exported = list(queries.ranking_lines(imports.project))
    assert exported == lines
    assert [to_line(parse_ranking(line, "here")) for line in exported] == lines
    assert json.dumps(exported) == json.dumps(list(queries.ranking_lines(imports.project)))
    assert AuditEntry.objects.filter(verb="recorded rankings").count() == 1


def test_ratings_and_margins_come_into_columns_and_back_out_of_them(imports: Campaign, rosa: User) -> None:
    told = next(line for line in (random_line(n, random.Random(n)) for n in range(99)) if line.get("ratings"))
    (ranking,) = services.record_rankings(campaign=imports, rankings=[told], by=rosa)
    rows = {(row.response.key, row.name): row.value for row in ranking.ratings.select_related("response")}
    assert rows == {
        (key, name): value for key, given in told["ratings"].items() for name, value in given.items()
    }
    assert ranking.margins == told["margins"]
    assert not {"ratings", "margins", "flags"} & set(ranking.detail)
    whole = queries.ranking_line(ranking)
    assert json.dumps(whole["ratings"]) == json.dumps(told["ratings"])
    assert whole["margins"] == told["margins"]


@pytest.mark.parametrize("odd", [{}, {"r1-0": {}}, {"r1-0": {"x" * 61: 3}}, {"r1-0": {"": 3}}])
def test_ratings_that_rows_cannot_hold_stay_as_they_were_told(
    imports: Campaign, rosa: User, odd: dict[str, Any]
) -> None:
    line = random_line(1, random.Random(3)) | {"ratings": odd}
    (ranking,) = services.record_rankings(campaign=imports, rankings=[line], by=rosa)
    assert not ranking.ratings.exists()
    assert queries.ranking_line(ranking)["ratings"] == odd


@pytest.mark.parametrize("change", ["ratings", "margins", "flags"])
def test_importing_other_ratings_margins_or_flags_under_a_known_id_is_refused(
    imports: Campaign, rosa: User, change: str
) -> None:
    line = random_line(1, random.Random(3))
    line |= {"tiers": [["r1-0"], ["r1-1"]], "ratings": {"r1-0": {"overall": 3}}, "margins": [1]}
    line |= {"flags": {"r1-0": ["odd"]}}
    services.record_rankings(campaign=imports, rankings=[line], by=rosa)
    other = {"ratings": {"r1-0": {"overall": 4}}, "margins": [2], "flags": {"r1-0": ["even"]}}[change]
    with pytest.raises(services.RankingsRefused, match="another order"):
        services.record_rankings(campaign=imports, rankings=[{**line, change: other}], by=rosa)


def test_importing_twice_adds_nothing_and_another_order_is_refused(imports: Campaign, rosa: User) -> None:
    line = random_line(1, random.Random(3)) | {"flags": {}}
    services.record_rankings(campaign=imports, rankings=[line], by=rosa)
    assert services.record_rankings(campaign=imports, rankings=[line], by=rosa) == []
    turned = {
        **line,
        "tiers": [[name] for name in reversed([one["id"] for one in line["responses"]])],
        "margins": [],
    }
    del turned["margins"]
    with pytest.raises(services.RankingsRefused, match="another order"):
        services.record_rankings(campaign=imports, rankings=[turned], by=rosa)
    assert Ranking.objects.count() == 1


def test_an_imported_name_is_never_somebodys_account(imports: Campaign, ada: User, rosa: User) -> None:
    line = random_line(1, random.Random(3)) | {"annotator": "ada"}
    services.record_rankings(campaign=imports, rankings=[line], by=rosa)
    annotator = Ranking.objects.get().annotator
    assert annotator != ada
    assert annotator.kind == User.Kind.IMPORTED
    assert not annotator.is_active
    assert not annotator.has_usable_password()


def test_two_people_of_one_file_share_the_item(imports: Campaign, rosa: User) -> None:
    line = random_line(1, random.Random(3)) | {"annotator": "one"}
    services.record_rankings(
        campaign=imports, rankings=[line, {**line, "id": "other", "annotator": "two"}], by=rosa
    )
    assert imports.items.count() == 1
    assert Response.objects.count() == len(line["responses"])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"tiers": [["unknown"]]}, "line 2: tiers"),
        ({"kind": "rating"}, "line 2: kind"),
        ({"prompt": []}, "line 2: prompt"),
        ({"annotator": "nul \0"}, "line 2: annotator: found a NUL"),
        ({"id": "line-1"}, "line 1: id: 'line-1' stands in more than one line"),
        ({"extra": {"deep": ["\ud800"]}}, "line 2: extra: found a lone surrogate"),
    ],
)
def test_one_bad_line_and_nothing_is_recorded(
    imports: Campaign, rosa: User, change: dict[str, Any], told: str
) -> None:
    chance = random.Random(3)
    lines = [random_line(1, chance), random_line(2, chance) | change]
    with pytest.raises(services.RankingsRefused) as refusal:
        services.record_rankings(campaign=imports, rankings=lines, by=rosa)
    assert told in str(refusal.value)
    assert not Ranking.objects.exists()
    assert not Response.objects.exists()
    assert not imports.items.exists()


def test_other_texts_under_a_known_item_are_refused(imports: Campaign, rosa: User) -> None:
    line = random_line(1, random.Random(3))
    services.record_rankings(campaign=imports, rankings=[line], by=rosa)
    changed = [{**one, "text": "something else"} for one in line["responses"]]
    other = {**line, "id": "other", "annotator": "another", "responses": changed}
    with pytest.raises(services.RankingsRefused, match="has other responses"):
        services.record_rankings(campaign=imports, rankings=[other], by=rosa)


def test_a_key_of_another_campaign_is_refused_since_a_snapshot_could_not_hold_both(
    imports: Campaign, rosa: User
) -> None:
    line = random_line(1, random.Random(3))
    services.record_rankings(campaign=imports, rankings=[line], by=rosa)
    second = services.create_campaign(
        project=imports.project, name="again", by=rosa, source="import", overlap=0
    )
    with pytest.raises(services.RankingsRefused, match="another campaign"):
        services.record_rankings(campaign=second, rankings=[line], by=rosa)


def lines_by_rule(campaign: Campaign, annotator: str = "rule") -> list[dict[str, Any]]:
    return [
        {
            "id": f"rule-{item.item}",
            "prompt": item.prompt,
            "prompt_id": item.prompt_id,
            "item": item.item,
            "responses": item.responses,
            "tiers": [[response["id"]] for response in item.responses],
            "annotator": annotator,
            "kind": "ranking",
        }
        for item in queries.unranked_items(campaign)
    ]


@pytest.fixture
def simulated(project: Project, rosa: User) -> Campaign:
    campaign = services.create_campaign(project=project, name="by rule", by=rosa, source="simulated")
    prompt_set = build_prompt_set(project, rosa)
    services.add_items(campaign=campaign, prompts=prompt_set.prompts.all(), by=rosa)
    return campaign


def test_a_rule_ranks_under_its_own_account_and_fills_the_slots(simulated: Campaign, rosa: User) -> None:
    rule = build_user("rule", kind=User.Kind.SIMULATED)
    build_membership(simulated.project, rule)
    stored = services.record_rankings(campaign=simulated, rankings=lines_by_rule(simulated), by=rosa)
    assert {ranking.annotator for ranking in stored} == {rule}
    assert {ranking.source for ranking in stored} == {"simulated"}
    assert set(simulated.slots.values_list("state", flat=True)) == {Slot.State.DONE}
    assert list(queries.unranked_items(simulated)) == []
    assert services.record_rankings(campaign=simulated, rankings=lines_by_rule(simulated), by=rosa) == []


def test_a_rule_does_not_answer_to_a_persons_name(simulated: Campaign, ada: User, rosa: User) -> None:
    stored = services.record_rankings(campaign=simulated, rankings=lines_by_rule(simulated, "ada"), by=rosa)
    assert {ranking.annotator.kind for ranking in stored} == {User.Kind.SIMULATED}


def test_a_rule_never_pushes_a_person_out_and_more_than_wanted_is_surplus(
    simulated: Campaign, ada: User, rosa: User
) -> None:
    slot = claimed(simulated, ada)
    stored = services.record_rankings(campaign=simulated, rankings=lines_by_rule(simulated), by=rosa)
    assert [ranking.surplus for ranking in stored] == [True, False, False]
    assert not submit(slot, ada).surplus


def test_a_rule_must_place_everything_and_only_known_items(simulated: Campaign, rosa: User) -> None:
    first, *others = lines_by_rule(simulated)
    with pytest.raises(services.RankingsRefused, match="line 1: Not every answer"):
        services.record_rankings(
            campaign=simulated, rankings=[{**first, "tiers": first["tiers"][:2]}, *others], by=rosa
        )
    with pytest.raises(services.RankingsRefused, match="is not in this campaign"):
        services.record_rankings(campaign=simulated, rankings=[{**first, "item": "unknown"}], by=rosa)


def test_one_person_ranks_an_item_once(simulated: Campaign, rosa: User) -> None:
    first = lines_by_rule(simulated)[0]
    twin = {**first, "id": "twin"}
    with pytest.raises(services.RankingsRefused, match="ranked this item already"):
        services.record_rankings(campaign=simulated, rankings=[first, twin], by=rosa)


def test_surplus_is_not_part_of_the_public_lines(simulated: Campaign, ada: User, rosa: User) -> None:
    claimed(simulated, ada)
    services.record_rankings(campaign=simulated, rankings=lines_by_rule(simulated), by=rosa)
    assert len(list(queries.ranking_lines(simulated.project))) == 2


def test_lines_name_the_policy_by_its_artifact(project: Project, ada: User, rosa: User) -> None:
    build_artifact(project, name="first-policy")
    campaign = build_campaign(project, rosa, prompts=1, answers=2)
    submit(claimed(campaign, ada), ada)
    (line,) = queries.ranking_lines(project)
    assert [response["policy"] for response in line["responses"]] == ["first-policy"] * 2  # type: ignore[attr-defined]
    assert Response.objects.filter(policy__name="first-policy").count() == 2


def test_filters_narrow_the_lines(project: Project, ada: User, rosa: User) -> None:
    first, second = (build_campaign(project, rosa, name=name) for name in ("one", "two"))
    rankings = [submit(claimed(campaign, ada), ada) for campaign in (first, second, first)]

    def keys(**filters: object) -> list[object]:
        return [line["id"] for line in queries.ranking_lines(project, filters)]

    assert keys() == [ranking.key for ranking in rankings]
    assert keys(campaigns=[second.pk]) == [rankings[1].key]
    assert keys(last_ranking=rankings[1].pk) == [ranking.key for ranking in rankings[:2]]
    assert keys(sources=["import"]) == []
    assert keys(until=rankings[0].at.isoformat()) == [rankings[0].key]
    with pytest.raises(ValueError, match="until"):
        keys(until="yesterday")


def test_reading_lines_takes_the_same_statements_for_few_and_many(
    project: Project, rosa: User, django_assert_num_queries: Any
) -> None:
    for count in (2, 40):
        campaign = services.create_campaign(
            project=project, name=f"{count}", by=rosa, source="import", overlap=0
        )
        chance = random.Random(count)
        lines = [random_line(1000 * count + number, chance) for number in range(count)]
        services.record_rankings(campaign=campaign, rankings=lines, by=rosa)
        with django_assert_num_queries(8):
            assert len(list(queries.ranking_lines(project, {"campaigns": [campaign.pk]}))) == count


def test_a_comparison_from_chat_keeps_both_answers(project: Project, ada: User, rosa: User) -> None:
    prompt_set = build_prompt_set(project, rosa, prompts=1, answers=2)
    first, second = Response.objects.order_by("pk")
    key = uuid.uuid4()
    said = services.record_comparison(first=first, second=second, preference="better", submission=key, by=ada)
    again = services.record_comparison(
        first=first, second=second, preference="better", submission=key, by=ada
    )
    assert again == said
    (line,) = queries.ranking_lines(prompt_set.project)
    assert line["kind"] == "comparison"
    assert line["source"] == "regenerate"
    assert line["tiers"] == [[second.key], [first.key]]
    assert line["shown_order"] == [first.key, second.key]
    with pytest.raises(services.SubmissionConflict):
        services.record_comparison(first=first, second=second, preference="worse", submission=key, by=ada)
    with pytest.raises(services.JudgementRefused):
        services.record_comparison(
            first=first, second=second, preference="same", submission=uuid.uuid4(), by=ada
        )


def test_comparisons_from_chat_never_land_in_somebodys_campaign(
    project: Project, ada: User, rosa: User
) -> None:
    build_prompt_set(project, rosa, prompts=1, answers=2)
    theirs = services.create_campaign(project=project, name="Regenerate", by=rosa)
    first, second = Response.objects.order_by("pk")
    said = services.record_comparison(
        first=first, second=second, preference="same", submission=uuid.uuid4(), by=ada
    )
    assert said.item.campaign != theirs
    assert said.item.campaign.source == "regenerate"


@pytest.mark.parametrize(("preference", "tiers"), [("same", 1), ("worse", 2), ("better", 2)])
def test_each_preference_is_an_order(
    project: Project, ada: User, rosa: User, preference: str, tiers: int
) -> None:
    build_prompt_set(project, rosa, prompts=1, answers=2)
    first, second = Response.objects.order_by("pk")
    said = services.record_comparison(
        first=first, second=second, preference=preference, submission=uuid.uuid4(), by=ada
    )
    told = queries.ranking_line(said)["tiers"]
    assert isinstance(told, list)
    assert len(told) == tiers
    assert (
        told[0] == {"same": [first.key, second.key], "worse": [first.key], "better": [second.key]}[preference]
    )
