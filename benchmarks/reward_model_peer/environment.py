"""TRL's own environment: a virtual environment with the pinned wheel, made once and kept under `var/peers`.

Torch, transformers and their like are read from the environment that runs the benchmark, so that both sides have
the same kernels and differ in the trainer alone.
"""

import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# The newest release when this was written; a wheel with another sum is not taken.
VERSION = "1.16.0"
WHEEL = f"trl=={VERSION} --hash=sha256:c4726e139dd40e1a41661511c639c8a68416782b2e3e8c0befebd77bb7ba0396"
FOLDER = ROOT / "var" / "peers" / f"trl-{VERSION}"


class PeerMissingError(RuntimeError):
    """The peer cannot be had; its text is one sentence that says why."""


def peer_python() -> Path:
    """The python of TRL's environment, made where it is not there. Refuses (PeerMissingError) to go on without."""
    python = FOLDER / "bin" / "python"
    if not _works(python):
        try:
            _make(python)
        except (OSError, subprocess.SubprocessError) as error:
            said = str(getattr(error, "stderr", None) or error).strip().splitlines() or [type(error).__name__]
            raise PeerMissingError(f"TRL {VERSION} cannot be installed beside us: {said[-1]}") from error
        if not _works(python):
            raise PeerMissingError(
                f"TRL {VERSION} stands in {FOLDER}, but its RewardTrainer cannot be imported."
            )
    return python


def _make(python: Path) -> None:
    FOLDER.parent.mkdir(parents=True, exist_ok=True)
    _run([sys.executable, "-m", "venv", "--clear", str(FOLDER)])
    theirs = _run([str(python), "-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])"]).strip()
    (Path(theirs) / "shared.pth").write_text(sysconfig.get_paths()["purelib"] + "\n", "utf-8")
    pinned = FOLDER / "pinned.txt"
    pinned.write_text(WHEEL + "\n", "utf-8")
    _run([str(python), "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes", "-r", str(pinned)])


def _works(python: Path) -> bool:
    if not python.exists():
        return False
    words = [
        str(python),
        "-c",
        f"import trl; from trl import RewardTrainer; assert trl.__version__ == {VERSION!r}",
    ]
    return subprocess.run(words, capture_output=True, check=False, timeout=300).returncode == 0


def _run(words: list[str]) -> str:
    return subprocess.run(words, capture_output=True, check=True, text=True, timeout=600).stdout
