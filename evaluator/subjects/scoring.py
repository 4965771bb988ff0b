"""Subjects that tell how likely a given text is: a model folder, or an endpoint that offers log-probabilities."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from evaluator.errors import BadInput
from evaluator.specs import RunSpec
from evaluator.subjects.continuations import Continuation
from evaluator.subjects.endpoint import Endpoint
from evaluator.subjects.identity import folder_detail
from evaluator.subjects.response_cache import ResponseCache, digest_of, in_batches
from evaluator.subjects.token_trees import TokenSequence, shared_prefix

Told = Callable[[int], None]


@dataclass(frozen=True)
class Scored:
    """The log-likelihood of each continuation of one item, natural logarithm; None and a reason where there is none."""

    scores: tuple[float, ...] | None
    reason: str | None = None


class Scorer(Protocol):
    """Whatever scores continuations."""

    @property
    def detail(self) -> dict[str, object]:
        """What the report says of the subject."""
        ...

    def score(self, items: Sequence[Sequence[Continuation]], told: Told) -> list[Scored]:
        """One `Scored` an item, in order; `told` hears how many items are done."""
        ...


def open_scorer(spec: RunSpec, cache: ResponseCache) -> Scorer:
    """The scorer of `spec.subject`. Refuses recorded responses and what is neither a model folder nor a URL."""
    if spec.subject.startswith(("http://", "https://")):
        return EndpointScorer(Endpoint(spec.subject, spec.model), spec.batch_size, cache)
    path = Path(spec.subject)
    if path.is_dir():
        return FolderScorer(spec, cache)
    raise BadInput(
        f"--subject {spec.subject}: found recorded responses or nothing, wanted a subject with log-probabilities "
        f"for {spec.suite} {spec.variant or ''}: a model folder, or the URL of an endpoint"
    )


class FolderScorer:
    """A model folder. It is loaded when the first item is asked that the cache does not hold."""

    def __init__(self, spec: RunSpec, cache: ResponseCache) -> None:
        self._spec, self._cache = spec, cache
        self.detail = {**folder_detail(spec.subject), "precision": spec.precision}

    def score(self, items: Sequence[Sequence[Continuation]], told: Told) -> list[Scored]:
        """Batches of `batch_size` items of like length, made from all items whatever is in the cache."""
        size = self._spec.batch_size
        order = sorted(range(len(items)), key=lambda n: (sum(len(one.answer) for one in items[n]), n))
        batches = [order[start : start + size] for start in range(0, len(order), size)]
        run: list[_FolderRun] = []

        def answer(batch: Sequence[int]) -> list[object]:
            if not run:
                run.append(_FolderRun(self._spec, items))
                self.detail["shared_prefix"] = run[0].sharing
            return run[0].score(batch)

        keys = _batch_keys(items, batches, [self.detail["sha256"], self._spec.precision])
        # Which of the two ways is taken is kept beside the values: a run from the cache says the same of itself.
        found = dict(in_batches(self._cache, keys, batches, answer, told))
        self.detail["shared_prefix"] = all(value.get("shared", True) for value in found.values())
        return [_scored(found[number]) for number in range(len(items))]


class EndpointScorer:
    """An OpenAI-compatible endpoint that echoes a prompt with its log-probabilities (`POST /completions`)."""

    def __init__(self, endpoint: Endpoint, at_once: int, cache: ResponseCache) -> None:
        self._endpoint, self._at_once, self._cache = endpoint, at_once, cache
        self.detail = endpoint.detail

    def score(self, items: Sequence[Sequence[Continuation]], told: Told) -> list[Scored]:
        """One request a continuation. Refuses an endpoint that gives no log-probabilities."""
        keys = [
            digest_of(self._endpoint.identity, "log-likelihood", [asdict(one) for one in item])
            for item in items
        ]

        def answer(batch: Sequence[int]) -> list[object]:
            asked = [one for number in batch for one in items[number]]
            scores = iter(self._endpoint.log_likelihoods(asked, self._at_once))
            return [{"scores": [next(scores) for _ in items[number]]} for number in batch]

        found = dict(in_batches(self._cache, keys, [[n] for n in range(len(items))], answer, told))
        return [_scored(found[number]) for number in range(len(items))]


def _batch_keys(
    items: Sequence[Sequence[Continuation]], batches: Sequence[Sequence[int]], subject: object
) -> list[str]:
    """A key an item that tells subject, whole batch and whole prefix: neighbours touch the last bits of a float32."""
    texts = [[list(asdict(one).values()) for one in item] for item in items]
    everything = digest_of([texts[n][0][0] if texts[n] else "" for n in range(len(items))])
    keys = [""] * len(items)
    for batch in batches:
        whole = digest_of(subject, "log-likelihood", everything, [texts[number] for number in batch])
        for place, number in enumerate(batch):
            keys[number] = f"{whole}/{place}"
    return keys


def _scored(value: dict[str, Any]) -> Scored:
    scores = value.get("scores")
    if scores is None:
        return Scored(None, str(value["reason"]))
    if any(score is None for score in scores):
        return Scored(None, "a log-probability is not a finite number")
    return Scored(tuple(scores))


class _FolderRun:
    """The loaded model with all items as tokens, the shared prefix run, and whether sharing holds for this model."""

    def __init__(self, spec: RunSpec, items: Sequence[Sequence[Continuation]]) -> None:
        # Loaded here only: what the cache holds, --help and bad input must not wait for a model library.
        from evaluator.subjects import likelihoods
        from trainer.language_models import ModelFolderError, load_language_model

        self._likelihoods = likelihoods
        try:
            self._lm = load_language_model(spec.subject, device=spec.device, precision=spec.precision)
        except ModelFolderError as error:
            raise BadInput(f"--subject {spec.subject}: {error}") from error
        self._items = _token_sequences(self._lm.tokenizer, items)
        fitting = [item for item in self._items if self._fits(item) and _has_tokens_to_score(item)]
        shared = shared_prefix(fitting)
        ids = fitting[0][0].ids[:shared] if fitting else ()
        self._prefix = likelihoods.PrefixCache(self._lm.model, ids)
        self.sharing = bool(fitting) and likelihoods.sharing_holds(self._lm.model, self._prefix, fitting[0])

    def score(self, batch: Sequence[int]) -> list[object]:
        """A value an item: `{"scores", "shared"}`, or `{"reason"}`."""
        fitting = [number for number in batch if self._fits(self._items[number])]
        run = [number for number in fitting if _has_tokens_to_score(self._items[number])]
        chosen = [self._items[number] for number in run]
        model = self._lm.model
        if not self.sharing:
            scored = [self._likelihoods.plain_log_likelihoods(model, item) for item in chosen]
        elif chosen:
            scored = self._likelihoods.shared_log_likelihoods(model, self._prefix, chosen)
        else:
            scored = []
        sums = {number: [0.0] * len(self._items[number]) for number in fitting}
        sums.update(zip(run, scored, strict=True))
        how = {} if self.sharing else {"shared": False}
        found: dict[int, object] = {
            number: {"scores": [score if score - score == 0 else None for score in scores], **how}
            for number, scores in sums.items()
        }
        return [found.get(number, {"reason": self._why_not(number)}) for number in batch]

    def _fits(self, item: Sequence[TokenSequence]) -> bool:
        return all(len(one.ids) <= self._lm.context for one in item)

    def _why_not(self, number: int) -> str:
        longest = max(len(one.ids) for one in self._items[number])
        return f"{longest} tokens, longer than the model's context of {self._lm.context}"


def _has_tokens_to_score(item: Sequence[TokenSequence]) -> bool:
    return any(one.start < len(one.ids) for one in item)


def _token_sequences(tokenizer: Any, items: Sequence[Sequence[Continuation]]) -> list[list[TokenSequence]]:
    """Token ids of each continuation as one text, scored from the count of the prompt's own tokens plus `skip`."""
    flat = [one for item in items for one in item]
    prompts = {(one.prompt, one.special) for one in flat}
    lengths = {key: len(ids) for key, ids in _tokens(tokenizer, sorted(prompts)).items()}
    wholes = {(one.prompt + one.answer, one.special) for one in flat}
    ids = _tokens(tokenizer, sorted(wholes))
    return [
        [
            TokenSequence(
                ids[one.prompt + one.answer, one.special],
                max(1, lengths[one.prompt, one.special]) + one.skip,
            )
            for one in item
        ]
        for item in items
    ]


def _tokens(tokenizer: Any, texts: Sequence[tuple[str, bool]]) -> dict[tuple[str, bool], tuple[int, ...]]:
    found: dict[tuple[str, bool], tuple[int, ...]] = {}
    for special in (False, True):
        chosen = [text for text, own in texts if own is special]
        if chosen:
            encoded = tokenizer(
                chosen,
                add_special_tokens=special,
                split_special_tokens=True,
                return_attention_mask=False,
                return_token_type_ids=False,
            )["input_ids"]
            found.update({(text, special): tuple(ids) for text, ids in zip(chosen, encoded, strict=True)})
    return found
