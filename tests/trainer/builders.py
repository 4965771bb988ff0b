"""Ranking and demonstration lines as ada and ben would leave them."""

from trainer.json_lines import JsonObject

ASKED: list[JsonObject] = [{"role": "user", "content": "Where is Lima?"}]


def ranking_line(name: str = "r1", *, k: int = 4, **changes: object) -> JsonObject:
    """A valid ranking of `k` responses a, b, c …: the first is best, the next two tie, the last is in no tier."""
    ids = "abcdefghi"[:k]
    tiers = [[ids[0]], list(ids[1:3])] if k > 2 else [[ids[0]], [ids[1]]]
    return {
        "id": name,
        "prompt": ASKED,
        "responses": [{"id": one, "text": f"answer {one}", "policy": "sft"} for one in ids],
        "tiers": tiers,
        "annotator": "ada",
        "kind": "ranking",
        **changes,
    }


def demonstration_line(name: str = "d1", **changes: object) -> JsonObject:
    """A valid demonstration by ben."""
    return {"id": name, "prompt": ASKED, "response": "In Peru.", "annotator": "ben", **changes}
