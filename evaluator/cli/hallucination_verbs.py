"""What the verbs about support and correlation do. `detect` and `score-support` write lines, the others a report."""

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from evaluator.correlating import correlate
from evaluator.errors import BadInput
from evaluator.json_lines import dump, write_atomically
from evaluator.progress import Progress, screen_only
from evaluator.report_files import Report, report_folder
from evaluator.specs import CorrelateSpec, TrainDetectorSpec
from evaluator.support.detector import detect, read_detector
from evaluator.support.encoder import Encoder, shipped_encoder_folder
from evaluator.support.lines import parse_pair, read_pair_lines, support_lines
from evaluator.support.training import train_detector


def _detect(options: argparse.Namespace) -> int:
    """Write the support of each line; say on standard output how many were measured."""
    detector = read_detector(options.detector)
    named = read_pair_lines(options.pairs)
    _refuse_folder(options.out)
    with screen_only(options.progress) as progress:
        encoder = Encoder(shipped_encoder_folder())
        pairs = [pair for _name, pair in named]
        found = detect(pairs, detector, encoder, told=lambda done: progress.step(done, len(pairs)))
    write_atomically(options.out, support_lines(named, found))
    unmeasured = sum(one.value is None for one in found)
    print(f"detect: {len(found)} responses, {unmeasured} not measured, threshold {detector.threshold:.4g}")
    return 0


def _refuse_folder(out: Path) -> None:
    if out.is_dir():
        raise BadInput(f"--out {out}: found a folder, wanted the name of a file")


def _score_support(options: argparse.Namespace) -> int:
    """Answer each response line on standard input with its score, as soon as it is read; end when the input ends."""
    detector = read_detector(options.detector)
    encoder: Encoder | None = None
    for number, raw in enumerate(sys.stdin, start=1):
        where = f"standard input:{number}"
        try:
            line = json.loads(raw)
        except ValueError as error:
            raise BadInput(f"{where}: found {str(error)[:80]}, wanted one JSON object") from error
        if not isinstance(line, dict):
            raise BadInput(f"{where}: found no object, wanted a response line with a context")
        name, pair = parse_pair(line, where)
        encoder = encoder or Encoder(shipped_encoder_folder())
        support = detect([pair], detector, encoder)[0].value
        print(dump({"id": name, "score": options.not_measured if support is None else support}), flush=True)
    return 0


def _train_detector(options: argparse.Namespace) -> Report:
    spec = TrainDetectorSpec(
        data=options.labels,
        out=options.out,
        encoder=options.encoder,
        resamples=options.resamples,
        seed=options.seed,
    )
    with report_folder(spec.out), Progress(spec.out, options.progress) as progress:
        return train_detector(spec, progress)


def _correlate(options: argparse.Namespace) -> Report:
    spec = CorrelateSpec(
        scores=options.scores, out=options.out, resamples=options.resamples, seed=options.seed
    )
    with report_folder(spec.out), Progress(spec.out, options.progress) as progress:
        return correlate(spec, progress)


FILE_VERBS: Mapping[str, Callable[[argparse.Namespace], int]] = {
    "detect": _detect,
    "score-support": _score_support,
}
REPORT_VERBS: Mapping[str, Callable[[argparse.Namespace], Report]] = {
    "train-detector": _train_detector,
    "correlate": _correlate,
}
