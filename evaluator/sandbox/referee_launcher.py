"""The referees' launcher: it compiles tests once and forks a boxed referee for each submission."""

import json

from evaluator.sandbox import box, frames, referee, submission
from evaluator.sandbox.launcher import Launcher, Request

MOST_KEPT = 2000
VERDICTS_GO_TO = 1  # standard output of a referee is the way back to who asked


class RefereeLauncher(Launcher):
    """As a launcher of submissions, with the tests in the request."""

    kept: dict[str, referee.Tests]

    def prepare(self, request: Request) -> str | None:
        """Compile the tests, or find them compiled. Says why they cannot be."""
        key = json.dumps(request["tests"], sort_keys=True)
        self.kept = getattr(self, "kept", {})
        if key not in self.kept:
            if len(self.kept) >= MOST_KEPT:
                self.kept.clear()
            tests: dict[str, object] = request["tests"]  # type: ignore[assignment]
            try:
                self.kept[key] = referee.prepare(**tests)  # type: ignore[arg-type]
            except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
                return f"the tests are no Python: {error}"
        self.chosen = self.kept[key]
        return None

    def perform(self, request: Request) -> int:
        """Judge, and send the verdict."""
        submission.silence()
        verdict = referee.judge(self.chosen, box.CHANNEL)
        frames.write(VERDICTS_GO_TO, json.dumps(verdict).encode())
        return 0
