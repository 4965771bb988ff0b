"""TRL's own environments: a virtual environment a release with the pinned wheel, made once and kept under `var/peers`.

Torch, transformers and their like are read from the environment that runs the benchmark, so that both sides have
the same kernels and differ in the trainer alone.
"""

import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


class PeerMissingError(RuntimeError):
    """The peer cannot be had; its text is one sentence that says why."""


@dataclass(frozen=True)
class TrlRelease:
    """One release: its version, the sum of its wheel (another is not taken), and how the trainer is imported."""

    version: str
    sha256: str
    importing: str

    @property
    def folder(self) -> Path:
        """Where its environment stands."""
        return ROOT / "var" / "peers" / f"trl-{self.version}"

    def python(self) -> Path:
        """The python of its environment, made where it is not there. Refuses (PeerMissingError) to go on without."""
        python = self.folder / "bin" / "python"
        if self._works(python):
            return python
        try:
            self._make(python)
        except (OSError, subprocess.SubprocessError) as error:
            said = str(getattr(error, "stderr", None) or error).strip().splitlines() or [type(error).__name__]
            raise PeerMissingError(f"TRL {self.version} cannot be installed beside us: {said[-1]}") from error
        if not self._works(python):
            raise PeerMissingError(
                f"TRL {self.version} stands in {self.folder}, but its trainer cannot be imported"
            )
        return python

    def _make(self, python: Path) -> None:
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        _run([sys.executable, "-m", "venv", "--clear", str(self.folder)])
        theirs = _run([str(python), "-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])"])
        (Path(theirs.strip()) / "shared.pth").write_text(sysconfig.get_paths()["purelib"] + "\n", "utf-8")
        pinned = self.folder / "pinned.txt"
        pinned.write_text(f"trl=={self.version} --hash=sha256:{self.sha256}\n", "utf-8")
        _run(
            [
                str(python),
                "-m",
                "pip",
                "install",
                "--quiet",
                "--no-deps",
                "--require-hashes",
                "-r",
                str(pinned),
            ]
        )

    def _works(self, python: Path) -> bool:
        if not python.exists():
            return False
        words = [
            str(python),
            "-c",
            f"import trl; {self.importing}; assert trl.__version__ == {self.version!r}",
        ]
        return subprocess.run(words, capture_output=True, check=False, timeout=300).returncode == 0


def _run(words: list[str]) -> str:
    return subprocess.run(words, capture_output=True, check=True, text=True, timeout=600).stdout


# The last release with PPO in it, and the newest when the comparison of reward models was written.
TRL_WITH_PPO = TrlRelease(
    version="1.12.0",
    sha256="9c8f117b21a941edbc85744f5a341c9453d38e81f24ae81d3c6e9b9ca3b96409",
    importing="import trl.experimental.ppo",
)
TRL_NEWEST = TrlRelease(
    version="1.16.0",
    sha256="c4726e139dd40e1a41661511c639c8a68416782b2e3e8c0befebd77bb7ba0396",
    importing="from trl import RewardTrainer",
)
