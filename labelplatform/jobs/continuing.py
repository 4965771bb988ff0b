"""An attempt that goes on where an earlier one was: it takes that one's `out` folder over, whole, by one rename.

No two attempts ever share a folder. What a forgotten child of the older one still opens by name is no longer there,
and the lock that a training run holds lies on the folder itself, which moves along: while such a child lives, the new
one is refused instead of writing beside it.
"""

from labelplatform.jobs.models import Job


def take_over(job: Job) -> bool:
    """Moves what the newest earlier attempt has left into the present run folder; whether there was anything."""
    for fence in range(job.fence - 1, 0, -1):
        left = job.run_folder.parent / f"attempt-{fence}" / "out"
        if left.is_dir() and any(left.iterdir()):
            left.rename(job.run_folder / "out")
            return True
    return False
