"""New questions from the model itself, in two ways (Huang et al. 2022, 5.3).

"joined": two questions are put one after the other, and the model goes on with a third. "own-steps": the same
with the model's own reasoning after each of the two, so that it goes on in the manner of what it can answer.
"""

import random
from collections.abc import Sequence

from trainer.language_models import (
    LanguageModel,
    SamplingSettings,
    decode_response,
    encode_text,
    generate,
)
from trainer.self_improvement.answering import Answered, Question, asked
from trainer.self_improvement.specs import SelfImproveSpec

WAYS = ("joined", "own-steps")
OPENING = "Q:"


def new_questions(lm: LanguageModel, answered: Sequence[Answered], spec: SelfImproveSpec) -> list[Question]:
    """At most `more_questions` new questions by each way: one line each, none asked before, none twice."""
    able = [one for one in answered if one.vote.answer is not None]
    if not spec.more_questions or len(able) < 2:
        return []
    drawn = random.Random(spec.seed)
    known = {one.question.words for one in answered}
    found: list[Question] = []
    for place, way in enumerate(WAYS):
        pairs = [drawn.sample(able, 2) for _ in range(spec.more_questions)]
        prompts = [encode_text(lm.tokenizer, continuation(pair, way)) for pair in pairs]
        room = lm.context - spec.max_new_tokens
        prompts = [ids for ids in prompts if len(ids) <= room]
        settings = SamplingSettings(max(spec.by_temperature), max_new_tokens=spec.max_new_tokens)
        seed = spec.seed * 1_000_003 + len(spec.by_temperature) + place
        answers = generate(
            lm, prompts, responses_per_prompt=1, settings=settings, seed=seed, batch_size=spec.batch_size
        )
        for (one,) in answers:
            words = question_in(decode_response(lm.tokenizer, one.response_ids))
            if words and words not in known:
                known.add(words)
                found.append(Question(asked(words, f"{way}-{len(found) + 1}"), None, way))
    return found


def continuation(pair: Sequence[Answered], way: str) -> str:
    """Two questions, and the place where a third is to stand."""
    lines = []
    for one in pair:
        lines.append(f"{OPENING} {one.question.words}")
        if way == "own-steps":
            lines.append(f"A: {one.paths[one.vote.winners[0]]}")
    return "\n".join([*lines, OPENING])


def question_in(text: str) -> str:
    """The question at the beginning of what the model went on with: its first line."""
    return text.strip().split("\n", 1)[0].removeprefix(OPENING).strip()
