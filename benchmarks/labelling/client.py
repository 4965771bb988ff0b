"""One annotator as a process of its own: claim, draft, submit, until told to stop; light, so that 64 of them fit.

    python -m benchmarks.labelling.client CONFIG.json NUMBER INCARNATION

Everything it asks and is told goes into its history file as it happens, one JSON object a line; a process that is
killed leaves its history behind, and its next incarnation begins by reading it.
"""

import http.client
import json
import os
import random
import re
import signal
import sys
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from urllib.parse import urlencode

TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"')
SUBMISSION = re.compile(r'name="submission" value="([0-9a-f-]{36})"')
ITEM = re.compile(r"item-(\d+)-of-the-load")
ANSWER = re.compile(r"answer-(\d+)-of-item")
FORM = "application/x-www-form-urlencoded"
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.25, 2.0
KILLED_SHARE, DROPPED_SHARE = 0.05, 0.05


@dataclass(frozen=True)
class Config:
    """What all annotators are told."""

    host: str
    port: int
    start: str
    queue: str
    history: str
    stop: str
    sessions: list[str]
    think_seconds: float
    chaos: bool
    seed: int


@dataclass(frozen=True)
class Page:
    """An item as it came: where it is, the keys of its form, the answers (stored numbers) in the order shown."""

    address: str
    csrf: str
    submission: str
    item: int
    answers: list[int]


class Annotator:
    """A browser without a screen."""

    def __init__(self, config: Config, number: int, incarnation: int) -> None:
        self.config, self.number = config, number
        self.chance = random.Random(f"{config.seed}/{number}/{incarnation}")
        self.cookies = {"sessionid": config.sessions[number]}
        self.connection = http.client.HTTPConnection(config.host, config.port, timeout=60)
        self.history_path = Path(config.history) / f"{number}.jsonl"
        self.earlier = self._earlier()
        self.history = self.history_path.open("a", encoding="utf-8")
        self.pause = Event()
        self.submitted = 0

    def _earlier(self) -> list[dict[str, object]]:
        if not self.history_path.exists():
            return []
        return [json.loads(line) for line in self.history_path.read_text("utf-8").splitlines()]

    def note(self, kind: str, **told: object) -> None:
        """One line of the history, in the file before anything else happens."""
        line = {"kind": kind, "who": self.number, "at": time.monotonic(), **told}
        self.history.write(json.dumps(line) + "\n")
        self.history.flush()

    def send(self, method: str, path: str, body: str = "", headers: dict[str, str] | None = None) -> None:
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        try:
            self.connection.request(method, path, body.encode(), {"Cookie": cookie, **(headers or {})})
        except (OSError, http.client.HTTPException):
            # The server may close a resting connection: nothing of this request was answered, and it may come twice.
            self.connection.close()
            self.connection.request(method, path, body.encode(), {"Cookie": cookie, **(headers or {})})

    def answer(self) -> tuple[http.client.HTTPResponse, str]:
        response = self.connection.getresponse()
        text = response.read().decode()
        for cookie in response.headers.get_all("Set-Cookie") or ():
            name, _is, value = cookie.split(";")[0].partition("=")
            self.cookies[name.strip()] = value
        return response, text

    def ask(
        self, method: str, path: str, body: str = "", **headers: str
    ) -> tuple[http.client.HTTPResponse, str]:
        self.send(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        return self.answer()

    def claim(self, csrf: str) -> Page | None:
        """Ask for the next item and read it: the time until its texts are here is the time of a claim."""
        begun = time.monotonic()
        body = urlencode({"csrfmiddlewaretoken": csrf})
        response, text = self.ask(
            "POST", self.config.start, body, Content_Type=FORM, Prefer="return=representation"
        )
        address = response.headers.get("Content-Location") or response.headers.get("Location") or ""
        if response.status in {302, 303} and "/rank/" in address:
            response, text = self.ask("GET", address)
        if response.status != 200 or "/rank/" not in address:
            if response.status >= 500:
                self.note("error", status=response.status, path=address or self.config.start)
            return None
        item = int(ITEM.findall(text)[0])
        answers = [int(number) for number in dict.fromkeys(ANSWER.findall(text))]
        page = Page(address, TOKEN.findall(text)[0], SUBMISSION.findall(text)[0], item, answers)
        self.note("claim", begun=begun, address=address, item=item, answers=answers)
        return page

    def draft(self, page: Page) -> None:
        begun = time.monotonic()
        body = json.dumps({"places": {"A": 1}, "seconds": 1, "at": 1})
        headers = {"X_CSRFToken": page.csrf, "Content_Type": "application/json", "Accept": "application/json"}
        response, _text = self.ask("POST", f"{page.address}draft/", body, **headers)
        self.note("draft", begun=begun, address=page.address, status=response.status)

    def submit(self, page: Page, *, dropped: bool = False) -> str:
        """Send a ranking until it is answered; returns what became of it. `dropped`: the first answer is lost."""
        letters = [chr(ord("A") + place) for place in range(len(page.answers))]
        places = list(range(1, len(letters) + 1))
        self.chance.shuffle(places)
        order = [
            page.answers[letters.index(letter)]
            for _place, letter in sorted(zip(places, letters, strict=True))
        ]
        told = {"address": page.address, "item": page.item, "submission": page.submission, "order": order}
        form = {
            "csrfmiddlewaretoken": page.csrf,
            "submission": page.submission,
            "seconds": "12",
            "then": "nothing",
        }
        body = urlencode(
            form | {f"place-{letter}": place for letter, place in zip(letters, places, strict=True)}
        )
        headers = {"Content-Type": FORM, "Accept": "application/json"}
        begun = time.monotonic()
        if dropped:
            self.note("sent", **told)
            self.send("POST", page.address, body, headers)
            if self.chance.random() < 0.5:
                self.answer()
            self.connection.close()
            self.note("dropped", submission=page.submission)
        self.note("sent", **told)
        self.send("POST", page.address, body, headers)
        response, text = self.answer()
        outcome = _outcome(response.status, text)
        self.note("answered", begun=begun, outcome=outcome, status=response.status, retried=dropped, **told)
        return outcome

    def come_back(self, csrf: str) -> None:
        """After being killed: half the time what one had in hand is sent all the same, late."""
        if not self.earlier or self.earlier[-1]["kind"] != "killed" or self.chance.random() < 0.5:
            return
        claimed = next((line for line in reversed(self.earlier) if line["kind"] == "claim"), None)
        if claimed is not None:
            answers = claimed["answers"]
            assert isinstance(answers, list)
            submission = str(uuid.UUID(int=self.chance.getrandbits(128), version=4))
            self.submit(Page(str(claimed["address"]), csrf, submission, int(str(claimed["item"])), answers))

    def _csrf(self) -> str:
        """A form token: any page of ours has one in its preferences."""
        _response, text = self.ask("GET", self.config.queue)
        return TOKEN.findall(text)[0]

    def work(self) -> None:
        csrf = self._csrf()
        self.come_back(csrf)
        if self.config.think_seconds:
            # People do not all arrive in the same moment.
            self.pause.wait(self.config.think_seconds * self.chance.random())
        pause = FIRST_PAUSE_SECONDS
        while not Path(self.config.stop).exists():
            page = self.claim(csrf)
            if page is None:
                self.pause.wait(pause)
                pause = min(LONGEST_PAUSE_SECONDS, pause * 1.5)
                continue
            pause, csrf = FIRST_PAUSE_SECONDS, page.csrf
            if self.config.think_seconds:
                self.pause.wait(self.config.think_seconds * (0.5 + self.chance.random()))
            self.draft(page)
            if self.meets(KILLED_SHARE, early=self.submitted == 1):
                self.note("killed", address=page.address)
                os.kill(os.getpid(), signal.SIGKILL)
            self.submit(page, dropped=self.meets(DROPPED_SHARE, early=self.submitted == 0))
            self.submitted += 1

    def meets(self, share: float, *, early: bool) -> bool:
        """Whether chaos strikes now: by chance, and early in the first annotator's first life: no run is without."""
        struck = self.chance.random() < share
        return self.config.chaos and (struck or (early and self.number == 0 and not self.earlier))


def _outcome(status: int, text: str) -> str:
    """kept: it counts; surplus: kept aside, and told so; refused: not stored; error: the server failed."""
    if status == 200:
        return "kept"
    if status == 409 and '"problem"' not in text:
        return "surplus"
    return "refused" if status < 500 else "error"


if __name__ == "__main__":
    Annotator(
        Config(**json.loads(Path(sys.argv[1]).read_text("utf-8"))), int(sys.argv[2]), int(sys.argv[3])
    ).work()
