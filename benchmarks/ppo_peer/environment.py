"""The peer's own environment: a virtual environment of its own with the pinned wheel, kept between runs.

It reads torch, transformers and their like from the environment that runs the benchmark, so that both sides have the
same kernels, and differ in the trainer alone.
"""

import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VERSION = "1.12.0"
# The last release with PPO in it; the wheel is taken only when it is this very file.
WHEEL = f"trl=={VERSION} --hash=sha256:9c8f117b21a941edbc85744f5a341c9453d38e81f24ae81d3c6e9b9ca3b96409"
FOLDER = ROOT / "var" / "peers" / f"trl-{VERSION}"


class PeerMissingError(RuntimeError):
    """The peer cannot be had: one sentence that says why."""


def peer_python() -> Path:
    """The python of the peer's environment, made where it is not there yet. Refuses (PeerMissingError) a machine
    on which it cannot be installed."""
    python = FOLDER / "bin" / "python"
    if python.exists() and _works(python):
        return python
    try:
        _make(python)
    except (OSError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", None) or str(error)
        last = str(said).strip().splitlines()[-1:] or [type(error).__name__]
        raise PeerMissingError(f"TRL {VERSION} cannot be installed beside us: {last[0]}") from error
    if not _works(python):
        raise PeerMissingError(
            f"TRL {VERSION} was installed in {FOLDER}, but its PPOTrainer cannot be imported"
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
    words = [str(python), "-c", f"import trl.experimental.ppo, trl; assert trl.__version__ == {VERSION!r}"]
    return subprocess.run(words, capture_output=True, check=False, timeout=300).returncode == 0


def _run(words: list[str]) -> str:
    return subprocess.run(words, capture_output=True, check=True, text=True, timeout=600).stdout
