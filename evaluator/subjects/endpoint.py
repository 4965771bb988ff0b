"""An OpenAI-compatible endpoint: answers by `POST /chat/completions` and `/completions`, log-probabilities by echo.

Requests that fail for reasons that pass (a busy server, a broken connection, half an answer) are sent again, a bounded
number of times with growing pauses; those that the server refuses are the caller's to mend. Only the named host is
ever spoken to: a redirect is refused, so that no key leaves for another one. The key is read from OPENAI_API_KEY.
"""

import http.client
import json
import os
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from evaluator.errors import BadInput, SubjectUnavailable
from evaluator.subjects.continuations import Continuation

TIMEOUT_SECONDS = 120.0
ATTEMPTS = 5
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 30.0
STATUSES_THAT_PASS = frozenset({408, 409, 425, 429, 500, 502, 503, 504})
LARGEST_ANSWER_BYTES = 64_000_000
NO_LOG_PROBABILITIES = (
    "found an answer without log-probabilities, wanted an endpoint whose /completions echoes the prompt with "
    "token_logprobs and text_offset (or a variant of the suite that only generates)"
)
Wait = Callable[[float], None]


def _pause(seconds: float) -> None:
    threading.Event().wait(seconds)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


@dataclass(frozen=True)
class Asked:
    """One response that is wanted: chat `messages`, or else `text` to go on from; greedy at temperature 0."""

    messages: tuple[dict[str, str], ...]
    text: str
    max_new_tokens: int
    temperature: float
    seed: int
    stop: tuple[str, ...] = ()


class Endpoint:
    """The endpoint at `url` (as far as `/v1`), asked for `model`."""

    def __init__(self, url: str, model: str | None, *, wait: Wait = _pause) -> None:
        self._url = url.rstrip("/")
        self._model = model
        self._wait = wait
        self._opener = urllib.request.build_opener(_NoRedirect)
        self.identity = {"url": self._url, "model": model}
        self.detail: dict[str, object] = {"kind": "endpoint", **self.identity}

    def generate(self, wanted: Sequence[Asked], at_once: int) -> list[str]:
        """The text of each response, `at_once` requests under way at a time."""
        return self._each(self._one_response, wanted, at_once)

    def log_likelihoods(self, wanted: Sequence[Continuation], at_once: int) -> list[float | None]:
        """The sum of token log-probabilities of each answer after its prompt; None where one is not a number.

        Refuses an endpoint that does not echo log-probabilities.
        """
        return self._each(self._one_likelihood, wanted, at_once)

    def _each(self, ask: Callable[[Any], Any], wanted: Sequence[Any], at_once: int) -> list[Any]:
        if len(wanted) == 1:
            return [ask(wanted[0])]
        pool = ThreadPoolExecutor(max_workers=at_once)
        try:
            return list(pool.map(ask, wanted))
        finally:
            # After a failure what is still in the queue is not asked for.
            pool.shutdown(cancel_futures=True)

    def _one_response(self, asked: Asked) -> str:
        told: dict[str, object] = {
            "max_tokens": asked.max_new_tokens,
            "temperature": asked.temperature,
            "seed": asked.seed,
        }
        if asked.stop:
            told["stop"] = list(asked.stop)
        if asked.messages:
            answer = self._choice("/chat/completions", {**told, "messages": list(asked.messages)})
            message = answer.get("message")
            text = message.get("content") if isinstance(message, dict) else None
        else:
            text = self._choice("/completions", {**told, "prompt": asked.text}).get("text")
        if not isinstance(text, str):
            raise SubjectUnavailable(f"{self._url}: found a choice without text, wanted a response")
        return text

    def _one_likelihood(self, wanted: Continuation) -> float | None:
        whole = wanted.prompt + wanted.answer
        told = {"prompt": whole, "max_tokens": 1, "temperature": 0, "echo": True, "logprobs": 1}
        found = self._choice("/completions", told).get("logprobs")
        sure = found.get("token_logprobs") if isinstance(found, dict) else None
        places = found.get("text_offset") if isinstance(found, dict) else None
        if not isinstance(sure, list) or not isinstance(places, list) or len(sure) != len(places):
            raise BadInput(f"--subject {self._url}: {NO_LOG_PROBABILITIES}")
        own = [n for n, place in enumerate(places) if len(wanted.prompt) <= place < len(whole)]
        values = [sure[n] for n in own[wanted.skip :]]
        if not places or places[0] != 0 or not own:
            raise BadInput(f"--subject {self._url}: {NO_LOG_PROBABILITIES}")
        if not all(isinstance(one, int | float) and one - one == 0 for one in values):
            return None
        return float(sum(values))

    def _choice(self, path: str, told: dict[str, object]) -> dict[str, Any]:
        """The first choice of the answer. Sends again what failed for a reason that passes."""
        body = json.dumps({**({"model": self._model} if self._model else {}), **told}).encode()
        reason = ""
        for attempt in range(ATTEMPTS):
            pause = min(FIRST_PAUSE_SECONDS * 2**attempt, LONGEST_PAUSE_SECONDS)
            try:
                answer = json.loads(self._post(path, body))
                choice = answer["choices"][0]
                if isinstance(choice, dict):
                    return choice
                reason = "a choice that is no object"
            except urllib.error.HTTPError as error:
                with error:
                    said = error.read(300).decode("utf-8", "replace")
                if error.code not in STATUSES_THAT_PASS:
                    raise BadInput(
                        f"--subject {self._url}{path}: found status {error.code} ({said}), wanted an answer"
                    ) from error
                reason, pause = f"status {error.code}", _asked_pause(error, pause)
            except (OSError, http.client.HTTPException, ValueError, LookupError, TypeError) as error:
                reason = f"{type(error).__name__} {error}"
            if attempt + 1 < ATTEMPTS:
                self._wait(pause)
        raise SubjectUnavailable(f"--subject {self._url}{path}: no answer after {ATTEMPTS} tries ({reason})")

    def _post(self, path: str, body: bytes) -> bytes:
        headers = {"Content-Type": "application/json"}
        key = os.environ.get("OPENAI_API_KEY")
        if key:
            headers["Authorization"] = f"Bearer {key}"
        # The scheme was checked to be http or https before an Endpoint was made.
        request = urllib.request.Request(self._url + path, data=body, headers=headers, method="POST")  # noqa: S310
        with self._opener.open(request, timeout=TIMEOUT_SECONDS) as answer:
            found: bytes = answer.read(LARGEST_ANSWER_BYTES)
            return found


def _asked_pause(error: urllib.error.HTTPError, pause: float) -> float:
    """The seconds that Retry-After names, where it does, within reason."""
    try:
        return min(max(float(error.headers.get("Retry-After", pause)), 0.0), LONGEST_PAUSE_SECONDS)
    except ValueError:
        return pause
