"""How long after a key is pressed has the ranking page painted what it does, with nine answers of 2,000 words each?

    python benchmarks/key_to_paint.py [--words 2000] [--items 3] [--width 1440]

A real Chromium, the production server command, a database of its own. Every sort of key is pressed on each item:
ratings, letters, steps, undo, flags, raw text, expanding, places, moves, ties, gaps, compare, help. From the key's own
time stamp to the task after the frame that follows it: handler, style, layout and paint are in it, and the wait for the
frame (16.7 ms at 60 Hz). Chromium's Event Timing (to presentation, in steps of 8 ms) stands beside it. After each
submission: until the next item's page has taken over. Prints one JSON object; exit 1 when the median or 95th percentile
of a key is 50 ms or more, or the median until the next item is 300 ms or more.
"""

import argparse
import json
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.labelling.checker import percentile  # noqa: E402 (the root is not on a script's path)
from benchmarks.labelling.long_answers import ANSWERS, PASSWORD, USERNAME  # noqa: E402
from benchmarks.labelling.site import site  # noqa: E402
from tools.screenshots import CHROMIUM_FLAGS, chromium  # noqa: E402

if TYPE_CHECKING:
    from playwright.sync_api import Page

KEY_BAR_MS, NEXT_BAR_MS = 50.0, 300.0
LETTERS = [chr(ord("a") + number) for number in range(ANSWERS)]
RATING = [
    *[str(1 + number % 7) for number in range(ANSWERS)],
    *(*LETTERS, "j", "k", "u", "u", "U", "U", "Backspace", "5"),
    *("t", "1", "t", "1", "r", "r", "l", "Escape", "n", "n", "?", "Escape"),
    *[key for letter in LETTERS for key in (letter, "o", "p")],
]
RANKING = [
    *(*LETTERS, "Backspace", LETTERS[-1], "j", "k", "ArrowUp", "ArrowDown", "=", "-"),
    *(" ", "ArrowUp", " ", "3", "1", "u", "U", ",", ".", "x", "v", "v", "Escape"),
]
# Numbers every key, and notes when the task after its frame runs.
WATCH = """
(() => {
  window.painted = [];
  window.timed = [];
  addEventListener("keydown", (event) => {
    const at = event.timeStamp, { key } = event;
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => window.painted.push({ key, ms: performance.now() - at });
      port2.postMessage(0);
    });
    if (key === "Enter") {
      const form = document.querySelector("form[data-rank]");
      const look = () => {
        const now = document.querySelector("form[data-ready]");
        if (now && now !== form) window.following = performance.now() - at; else requestAnimationFrame(look);
      };
      window.following = null;
      look();
    }
  }, { capture: true });
  new PerformanceObserver((list) => list.getEntries().forEach((entry) => {
    if (entry.name === "keydown") window.timed.push(entry.duration);
  })).observe({ type: "event", durationThreshold: 16, buffered: true });
})();
"""


@dataclass(frozen=True)
class Press:
    """One key: what sort, and what it cost."""

    sort: str
    paint_ms: float
    cpu_ms: float


# The page's policy forbids the eval by which playwright would wait, so the page promises instead.
WHEN_TRUE = """
([name, before]) => new Promise((resolve) => {
  const look = () => {
    const value = name === "painted" ? window.painted.length > before && window.painted.at(-1).ms : window.following;
    if (value) resolve(value); else setTimeout(look, 2);
  };
  look();
})
"""


class Keyboard:
    """A keyboard that knows what each press costs: milliseconds to its paint, and of processor time in the page."""

    def __init__(self, tab: "Page") -> None:
        self.tab = tab
        self.protocol = tab.context.new_cdp_session(tab)
        # Processor time of the page's main thread, which a busy machine does not stretch.
        self.protocol.send("Performance.enable", {"timeDomain": "threadTicks"})
        self.found: list[Press] = []

    def cpu_ms(self) -> float:
        """Processor time of the page so far."""
        metrics = self.protocol.send("Performance.getMetrics")["metrics"]
        return 1000 * next(float(one["value"]) for one in metrics if one["name"] == "TaskDuration")

    def press(self, stage: str, key: str) -> None:
        """Presses one key and notes what it cost."""
        before, cpu = self.tab.evaluate("window.painted.length"), self.cpu_ms()
        self.tab.keyboard.press(key)
        painted = float(self.tab.evaluate(WHEN_TRUE, ["painted", before]))
        self.found.append(Press(sort_of(stage, key), painted, self.cpu_ms() - cpu))


def sort_of(stage: str, key: str) -> str:
    """The keys that do the same, under one name."""
    if key in LETTERS:
        return f"{stage}: letter"
    return f"{stage}: digit" if key.isdigit() else f"{stage}: {key}"


def begin(tab: "Page", address: str) -> None:
    """Signs in and opens the first item."""
    tab.goto(f"{address}/sign-in/")
    tab.locator("#id_username").fill(USERNAME)
    tab.locator("#id_password").fill(PASSWORD)
    tab.keyboard.press("Enter")
    tab.wait_for_url(re.compile("/p/harbour/"))
    tab.goto(f"{address}/p/harbour/labels/queue/")
    tab.locator("article form button").first.click()
    tab.wait_for_url(re.compile("/rank/"))
    tab.locator("form[data-ready]").wait_for()


def one_item(keyboard: Keyboard) -> Press:
    """Every sort of key on one item; what the submission cost until the next is there."""
    tab = keyboard.tab
    for key in [*RATING, "Enter"]:
        keyboard.press("rating", key)
    for key in RANKING:
        keyboard.press("ranking", key)
    tab.wait_for_timeout(1500)  # a person looks once more; the next item is fetched meanwhile
    cpu = keyboard.cpu_ms()
    tab.keyboard.press("Enter")
    until = float(tab.evaluate(WHEN_TRUE, ["following", None]))
    return Press("submission", until, keyboard.cpu_ms() - cpu)


@dataclass(frozen=True)
class Measured:
    """Every press, Event Timing's durations, times until the next item, the browser's version."""

    keys: list[Press]
    timed: list[float]
    following: list[Press]
    version: str


def measure(address: str, items: int, width: int) -> Measured:
    """Ranks so many items in one tab."""
    from playwright.sync_api import sync_playwright

    flags = [*CHROMIUM_FLAGS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=flags)
        tab = browser.new_page(viewport={"width": width, "height": 900})
        tab.add_init_script(WATCH)
        begin(tab, address)
        keyboard, following = Keyboard(tab), []
        for number in range(items):
            following.append(one_item(keyboard))
            print(f"item {number + 1} of {items}: {len(keyboard.found)} keys so far", file=sys.stderr)
        timed = [float(one) for one in tab.evaluate("window.timed")]
        found = Measured(keyboard.found, timed, following, browser.version)
        browser.close()
    return found


def summary(values: list[float]) -> dict[str, float | int]:
    """Median and 95th percentile in milliseconds, and of how many."""
    return {
        "median_ms": round(percentile(values, 0.5) or 0.0, 1),
        "p95_ms": round(percentile(values, 0.95) or 0.0, 1),
        "n": len(values),
    }


def report_of(found: Measured, told: argparse.Namespace) -> dict[str, Any]:
    """All figures, and which bars were missed."""
    by_sort: dict[str, list[float]] = {}
    for one in found.keys:
        by_sort.setdefault(one.sort, []).append(one.paint_ms)
    keys, following = (
        summary([one.paint_ms for one in found.keys]),
        summary([one.paint_ms for one in found.following]),
    )
    slow = max(keys["median_ms"], keys["p95_ms"]) >= KEY_BAR_MS
    missed = [
        name for name, is_so in (("keys", slow), ("next", following["median_ms"] >= NEXT_BAR_MS)) if is_so
    ]
    return {
        "words": told.words,
        "answers": ANSWERS,
        "width": told.width,
        "chromium": found.version,
        "load": os.getloadavg(),
        "key_to_paint": keys,
        "main_thread_cpu": summary([one.cpu_ms for one in found.keys]),
        "event_timing_of_16_ms_or_more": summary(found.timed) if found.timed else {"n": 0},
        "by_key": {sort: summary(values) for sort, values in sorted(by_sort.items())},
        "next_item_interactive": following,
        "next_item_main_thread_cpu": summary([one.cpu_ms for one in found.following]),
        "bars_ms": {"keys": KEY_BAR_MS, "next": NEXT_BAR_MS},
        "missed": missed,
    }


def main() -> int:
    """Serves, presses, tells."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--words", type=int, default=2000, help="words of each of the nine answers (2000)")
    parser.add_argument("--items", type=int, default=3, help="items to rank (3)")
    parser.add_argument("--width", type=int, default=1440, help="of the window in pixels (1440)")
    told = parser.parse_args()
    prepare = ["benchmarks.labelling.long_answers", str(told.words), str(told.items + 1)]
    with site("sqlite", sabotage="", lease_seconds=1200, prepare=prepare) as served:
        found = measure(f"http://127.0.0.1:{served.port}", told.items, told.width)
    report = report_of(found, told)
    print(json.dumps(report, indent=1, ensure_ascii=False))
    return 1 if report["missed"] else 0


if __name__ == "__main__":
    sys.exit(main())
