"""Texts that a subject writes: a model folder in batches made from all requests, or an endpoint, through the cache."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from evaluator.errors import BadInput
from evaluator.prompts import Message
from evaluator.specs import RunSpec
from evaluator.subjects.endpoint import Asked, Endpoint
from evaluator.subjects.identity import folder_detail
from evaluator.subjects.response_cache import ResponseCache, digest_of, in_batches

Told = Callable[[int], None]
Detail = dict[str, object]


@dataclass(frozen=True)
class Request:
    """What is to be answered: messages of a conversation, or `text` to go on from. A response ends before a `stop`.

    `place` tells apart requests that are alike otherwise: each is one of several samples.
    """

    messages: tuple[Message, ...] = ()
    text: str = ""
    stop: tuple[str, ...] = ()
    max_new_tokens: int = 32
    temperature: float = 0.0
    paths: int = 1
    place: int = 0


def generate_texts(
    spec: RunSpec, requests: Sequence[Request], cache: ResponseCache, told: Told
) -> tuple[list[list[str]], Detail]:
    """`paths` texts for each request, and what the report says of the subject. All requests share their settings.

    Noise depends on seed, request and path alone. Refuses a subject that is neither a model folder nor a URL.
    """
    if not requests:
        return [], {"kind": "nothing was asked"}
    if spec.subject.startswith(("http://", "https://")):
        return _from_endpoint(spec, requests, cache, told)
    if not Path(spec.subject).is_dir():
        raise BadInput(
            f"--subject {spec.subject}: found no model folder and no URL, wanted one that can answer"
        )
    return _from_folder(spec, requests, cache, told)


def cut(text: str, stops: Sequence[str]) -> str:
    """The text before the first of the stops."""
    ends = [place for place in (text.find(stop) for stop in stops) if place >= 0]
    return text[: min(ends)] if ends else text


def _from_endpoint(
    spec: RunSpec, requests: Sequence[Request], cache: ResponseCache, told: Told
) -> tuple[list[list[str]], Detail]:
    endpoint = Endpoint(spec.subject, spec.model)
    keys = [digest_of(endpoint.identity, "response", spec.seed, asdict(one)) for one in requests]
    # As many requests under way as were asked for, a request being one path.
    size = max(1, spec.batch_size // requests[0].paths)
    batches = [range(start, min(start + size, len(requests))) for start in range(0, len(requests), size)]

    def answer(batch: Sequence[int]) -> list[list[str]]:
        asked = [
            _asked(requests[n], spec.seed + requests[n].place + path)
            for n in batch
            for path in range(requests[n].paths)
        ]
        texts = iter(endpoint.generate(asked, spec.batch_size))
        return [[cut(next(texts), requests[n].stop) for _ in range(requests[n].paths)] for n in batch]

    found = dict(in_batches(cache, keys, batches, answer, told))
    return [found[number] for number in range(len(requests))], endpoint.detail


def _asked(request: Request, seed: int) -> Asked:
    messages = tuple({"role": one.role, "content": one.content} for one in request.messages)
    return Asked(messages, request.text, request.max_new_tokens, request.temperature, seed, request.stop)


def _from_folder(
    spec: RunSpec, requests: Sequence[Request], cache: ResponseCache, told: Told
) -> tuple[list[list[str]], Detail]:
    detail = {**folder_detail(spec.subject), "precision": spec.precision}
    size = max(1, spec.batch_size // requests[0].paths)
    lengths = [len(one.text) + sum(len(message.content) for message in one.messages) for one in requests]
    order = sorted(range(len(requests)), key=lambda number: (lengths[number], number))
    batches = [order[start : start + size] for start in range(0, len(order), size)]
    keys = [""] * len(requests)
    for batch in batches:
        told_batch = [(number, asdict(requests[number])) for number in batch]
        whole = digest_of(detail["sha256"], spec.precision, "response", spec.seed, told_batch)
        for place, number in enumerate(batch):
            keys[number] = f"{whole}/{place}"
    model: list[Any] = []

    def answer(batch: Sequence[int]) -> list[list[str]]:
        if not model:
            model.append(_load(spec))
        return _generate(spec, model[0], {number: requests[number] for number in batch})

    found = dict(in_batches(cache, keys, batches, answer, told))
    return [found[number] for number in range(len(requests))], detail


def _load(spec: RunSpec) -> Any:
    # Loaded here only: what the cache holds, --help and bad input must not wait for a model library.
    from trainer.language_models import ModelFolderError, load_language_model

    try:
        return load_language_model(spec.subject, device=spec.device, precision=spec.precision)
    except ModelFolderError as error:
        raise BadInput(f"--subject {spec.subject}: {error}") from error


def _generate(spec: RunSpec, model: Any, requests: dict[int, Request]) -> list[list[str]]:
    from trainer.language_models import (
        PromptTooLongError,
        SamplingSettings,
        decode_response,
        encode_prompt,
        encode_text,
        generate,
    )

    first = next(iter(requests.values()))
    settings = SamplingSettings(temperature=first.temperature, max_new_tokens=first.max_new_tokens)
    try:
        prompts = [
            encode_prompt(model.tokenizer, one.messages)
            if one.messages
            else encode_text(model.tokenizer, one.text)
            for one in requests.values()
        ]
        generated = generate(
            model,
            prompts,
            responses_per_prompt=first.paths,
            settings=settings,
            seed=spec.seed,
            batch_size=len(requests) * first.paths,
            numbers=list(requests),
        )
    except (PromptTooLongError, ValueError) as error:
        raise BadInput(f"--subject {spec.subject}: {error}") from error
    texts = [
        [decode_response(model.tokenizer, answer.response_ids) for answer in answers] for answers in generated
    ]
    return [[cut(text, one.stop) for text in own] for own, one in zip(texts, requests.values(), strict=True)]
