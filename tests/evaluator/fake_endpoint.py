"""An OpenAI-compatible server on this machine with a script of faults, and log-probabilities that can be reckoned."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Script:
    """`faults` are used up one a request, in order; then every request is answered."""

    faults: list[str] = field(default_factory=list)
    log_probabilities: bool = True
    says: Callable[[dict[str, Any]], str] | None = None
    asked: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


def log_probability(place: int, letter: str) -> float:
    """What the fake gives the character at a place: every character is a token."""
    return -((ord(letter) + place) % 7) - 0.5


def completion(told: dict[str, Any], script: Script) -> dict[str, Any]:
    prompt = told["prompt"]
    if not told.get("echo"):
        if script.says:
            return {"text": script.says(told)}
        return {"text": f" said to {prompt[-8:]!r}Q: more"}
    text = f"{prompt}!"
    logs: dict[str, Any] | None = {
        "token_logprobs": [None, *(log_probability(n, c) for n, c in enumerate(text) if n)],
        "text_offset": list(range(len(text))),
    }
    return {"text": text, "logprobs": logs if script.log_probabilities else None}


def _handler(script: Script) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            return

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told = json.loads(body)
            with script.lock:
                script.asked.append({"path": self.path, **told})
                script.headers.append(dict(self.headers))
                fault = script.faults.pop(0) if script.faults else ""
            if fault == "hang up":
                self.connection.close()
            elif fault == "not json":
                self._answer(200, b"<html>busy</html>")
            elif fault == "half":
                self.send_response(200)
                self.send_header("Content-Length", "1000")
                self.end_headers()
                self.wfile.write(b'{"choices": [')
                self.close_connection = True
            elif fault == "redirect":
                self.send_response(302)
                self.send_header("Location", "http://127.0.0.1:1/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()
            elif fault == "no choices":
                self._answer(200, b'{"choices": []}')
            elif fault:
                self._answer(int(fault), b'{"error": "scripted"}', {"Retry-After": "7"})
            elif self.path.endswith("/chat/completions"):
                said = f"I heard {told['messages'][-1]['content']} ({told['seed']})"
                said = script.says(told) if script.says else said
                self._answer(200, json.dumps({"choices": [{"message": {"content": said}}]}).encode())
            else:
                self._answer(200, json.dumps({"choices": [completion(told, script)]}).encode())

        def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

    return Handler


@contextmanager
def serving(script: Script) -> Iterator[str]:
    """The URL of the fake, as far as /v1, while the block runs."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(script))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
