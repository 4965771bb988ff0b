"""The verb `sample`: K responses of a policy to each prompt, written as response lines."""

from pathlib import Path

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
from trainer.progress import ProgressMode, ProgressWriter
from trainer.prompts import PromptLine, read_prompts, response_line
from trainer.specs import SampleSpec
from trainer.training_loop import prepare


def run(spec: SampleSpec, mode: ProgressMode) -> None:
    """Writes `spec.out`: the K responses to each prompt, in the order of the prompts, atomically at the
    end.
    """
    prompts = read_prompts(spec.prompts)
    prepare(spec)
    lm = load_language_model(spec.model, device=spec.device, precision=spec.precision)  # type: ignore[arg-type]
    settings = SamplingSettings(spec.temperature, spec.top_p, spec.max_new_tokens)
    encoded = [encode_prompt(lm.tokenizer, prompt.prompt) for prompt in prompts]
    told = Path(spec.progress_file) if spec.progress_file else None
    with ProgressWriter(told, mode) as progress:
        try:
            answers = generate(
                lm,
                encoded,
                responses_per_prompt=spec.responses_per_prompt,
                settings=settings,
                seed=spec.seed,
                batch_size=spec.batch_size,
                told=lambda done: progress.step(done, len(prompts)),
            )
        except PromptTooLongError as error:
            raise BadInput(f"{spec.prompts}: {error}") from None
    lines = [
        _line(spec, prompt, number, answer, decode_response(lm.tokenizer, answer.response_ids))
        for prompt, several in zip(prompts, answers, strict=True)
        for number, answer in enumerate(several)
    ]
    json_lines.write_atomically(spec.out, lines)


def _line(spec: SampleSpec, prompt: PromptLine, number: int, answer: Generated, text: str) -> JsonObject:
    policy = spec.policy or Path(spec.model).resolve().name
    sampling: JsonObject = {
        "temperature": spec.temperature,
        "top_p": spec.top_p,
        "max_new_tokens": spec.max_new_tokens,
        "tokens": len(answer.response_ids),
        "finished": answer.finished,
    }
    return response_line(prompt, text, policy=policy, seed=spec.seed, number=number, sampling=sampling)
