"""The verb `score`: the reward model's score of each response line."""

from collections.abc import Iterator, Sequence

from trainer import json_lines
from trainer.errors import BadInput
from trainer.json_lines import JsonObject
from trainer.ppo.reward_sources import checked_scores
from trainer.progress import ProgressMode, ProgressWriter
from trainer.prompts import PromptLine, read_responses
from trainer.reward_model.ensemble import load_members, member_scores, score_line
from trainer.reward_model.model import encode_group
from trainer.reward_model.shared_prompt import PromptGroup
from trainer.specs import ScoreSpec
from trainer.training_loop import autocast, prepare


def run(spec: ScoreSpec, mode: ProgressMode) -> None:
    """Writes `spec.out`: each response line with its `score` (the model's bias included), in order.

    An ensemble's score is the mean of its members' `member_scores`, `score_deviation` how far they part. Refuses
    (BadInput) scores that are no finite numbers.
    """
    placed = list(read_responses(spec.responses))
    if not placed:
        raise BadInput(f"{spec.responses}: found no line, wanted at least one")
    prepare(spec)
    members = load_members(spec.reward_model, device=spec.device)
    found: list[JsonObject] = []
    with ProgressWriter(None, mode) as progress:
        for part in _parts(placed, spec.batch_size):
            groups: list[PromptGroup] = []
            for run_of_prompt in runs_of_one_prompt(part):
                where, first = run_of_prompt[0]
                texts = [str(line.line["response"]) for _, line in run_of_prompt]
                groups.append(encode_group(members[0], first.prompt, texts, where))
            with autocast(spec):
                columns = member_scores(members, groups)
            for column in columns:
                checked_scores(spec.reward_model, column, len(part))
            scores = zip(*columns, strict=True)
            found += [{**line.line, **score_line(own)} for (_, line), own in zip(part, scores, strict=True)]
            progress.step(len(found), len(placed))
    json_lines.write_atomically(spec.out, found)


def runs_of_one_prompt(lines: Sequence[tuple[str, PromptLine]]) -> Iterator[list[tuple[str, PromptLine]]]:
    """Neighbouring lines with one prompt together, in order: they share its computation."""
    run_of_prompt: list[tuple[str, PromptLine]] = []
    for where, line in lines:
        if run_of_prompt and run_of_prompt[0][1].prompt != line.prompt:
            yield run_of_prompt
            run_of_prompt = []
        run_of_prompt.append((where, line))
    if run_of_prompt:
        yield run_of_prompt


def _parts(lines: Sequence[tuple[str, PromptLine]], size: int) -> Iterator[Sequence[tuple[str, PromptLine]]]:
    for start in range(0, len(lines), size):
        yield lines[start : start + size]
