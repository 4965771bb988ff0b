"""What the deployment files promise: health checks, no root, no default secret, every queue served."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import Any

import yaml

from tests.house.tree import ROOT

SECRETS = ("SECRET_KEY", "POSTGRES_PASSWORD", "REDIS_PASSWORD")


def services() -> dict[str, dict[str, Any]]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
    found: dict[str, dict[str, Any]] = loaded["services"]
    return found


def test_every_promised_service_is_there_and_healthy() -> None:
    wanted = {"web", "worker", "gpu-worker", "beat", "postgres", "redis", "housekeeping", "migrate"}
    assert set(services()) == wanted
    assert [n for n, s in services().items() if n != "migrate" and "healthcheck" not in s] == []


def test_ours_run_without_root_and_without_privileges() -> None:
    assert re.search(r"(?m)^USER labelplatform$", (ROOT / "Dockerfile").read_text("utf-8"))
    for name, service in services().items():
        if name not in {"postgres", "redis"}:
            assert service["cap_drop"] == ["ALL"], name
            assert service["read_only"] is True, name
            assert "user" not in service, name


def test_no_secret_has_a_default() -> None:
    text = (ROOT / "docker-compose.yml").read_text("utf-8")
    for secret in SECRETS:
        uses = re.findall(rf"\$\{{{secret}([^}}]*)\}}", text)
        assert uses, secret
        assert [use for use in uses if use and not use.startswith(":?")] == []


def test_every_queue_has_a_worker() -> None:
    commands = [" ".join(service.get("command", [])) for service in services().values()]
    for queue in ("cpu", "gpu", "housekeeping"):
        assert any(f"-Q {queue} " in command for command in commands), queue


def test_compose_itself_accepts_the_file() -> None:
    """Where a compose client is installed it judges; the structure above is judged everywhere."""
    if not shutil.which("docker-compose"):
        assert services()["web"]["ports"] == ["127.0.0.1:8000:8000"]
        return
    environment = {
        "PATH": "/usr/bin:/bin:/usr/local/bin",
        "ALLOWED_HOSTS": "x",
        **dict.fromkeys(SECRETS, "x"),
    }
    command = ["docker-compose", "-f", str(ROOT / "docker-compose.yml"), "config", "-q"]
    subprocess.run(command, env=environment, check=True)
