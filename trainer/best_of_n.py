"""The verb `best-of-n`: of N sampled responses to each prompt, the one the reward model scores highest.

The baseline that every PPO run is compared with: it spends compute instead of training.
"""

from pathlib import Path
from statistics import fmean

from trainer import json_lines
from trainer.errors import BadInput
from trainer.json_lines import JsonObject
from trainer.language_models import (
    Generated,
    PromptTooLongError,
    SamplingSettings,
    decode_response,
    encode_prompt,
    generate,
    load_language_model,
)
from trainer.ppo.baseline import kl_of_best_of
from trainer.ppo.reward_sources import checked_scores
from trainer.progress import ProgressMode, ProgressWriter
from trainer.prompts import PromptLine, read_prompts, response_line
from trainer.reward_model.ensemble import load_members, member_scores
from trainer.reward_model.model import encode_group
from trainer.specs import BestOfNSpec
from trainer.training_loop import prepare


def run(spec: BestOfNSpec, mode: ProgressMode) -> None:
    """Writes `spec.out`: one response line a prompt with its `score`, and `scores` of all N in order.

    An ensemble scores by the mean of its members. Refuses (BadInput) scores that are no finite numbers.
    """
    prompts = read_prompts(spec.prompts)
    prepare(spec)
    lm = load_language_model(spec.policy, device=spec.device)
    members = load_members(spec.reward_model, device=spec.device)
    settings = SamplingSettings(spec.temperature, spec.top_p, spec.max_new_tokens)
    with ProgressWriter(None, mode) as progress:
        try:
            answers = generate(
                lm,
                [encode_prompt(lm.tokenizer, prompt.prompt) for prompt in prompts],
                responses_per_prompt=spec.n,
                settings=settings,
                seed=spec.seed,
                batch_size=spec.batch_size,
                told=lambda done: progress.step(done, len(prompts)),
            )
        except PromptTooLongError as error:
            raise BadInput(f"{spec.prompts}: {error}") from None
    texts = [[decode_response(lm.tokenizer, one.response_ids) for one in several] for several in answers]
    groups = [
        encode_group(members[0], prompt.prompt, own, f"{spec.prompts}: prompt {prompt.id}")
        for prompt, own in zip(prompts, texts, strict=True)
    ]
    columns = member_scores(members, groups)
    means = [fmean(row) for row in zip(*columns, strict=True)]
    checked_scores(spec.reward_model, means, len(means))
    lines = []
    for number in range(len(prompts)):
        scores = means[number * spec.n : (number + 1) * spec.n]
        best = max(range(spec.n), key=scores.__getitem__)
        line = _line(spec, prompts[number], best, answers[number][best], texts[number][best])
        lines.append({**line, "score": scores[best], "scores": scores})
    json_lines.write_atomically(spec.out, lines)


def _line(spec: BestOfNSpec, prompt: PromptLine, best: int, answer: Generated, text: str) -> JsonObject:
    policy = f"{Path(spec.policy).resolve().name}-best-of-{spec.n}"
    sampling: JsonObject = {
        "temperature": spec.temperature,
        "top_p": spec.top_p,
        "max_new_tokens": spec.max_new_tokens,
        "finished": answer.finished,
        "best_of": spec.n,
        "kl_bound": kl_of_best_of(spec.n),
    }
    return response_line(prompt, text, policy=policy, seed=spec.seed, number=best, sampling=sampling)
