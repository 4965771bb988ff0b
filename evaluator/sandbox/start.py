"""Where a launcher's interpreter begins: `python -c BOOT ROOT DESCRIPTOR TIER LIMITS ROLE` (see process.py)."""

from evaluator.sandbox.launcher import Launcher, main
from evaluator.sandbox.referee_launcher import RefereeLauncher

ROLES = {"submission": Launcher, "referee": RefereeLauncher}


def start(descriptor: str, tier: str, limits: str, role: str) -> None:
    """Serve as a launcher of this role on the control channel `descriptor`."""
    main(int(descriptor), int(tier), limits, ROLES[role])
