"""The settings as a process meets them: fresh processes, each with an environment of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.test import Client

from labelplatform.accounts.models import User

ROOT = Path(__file__).resolve().parent.parent.parent
KEY = "a-long-enough-key-for-tests-0123456789-abcdefghijklmnop"


def run(
    code: str, data: Path, environment: dict[str, str] | None = None, folder: Path = ROOT
) -> subprocess.CompletedProcess[str]:
    names = {"PATH", "HOME", "LANG"}
    clean = {name: value for name, value in os.environ.items() if name in names}
    return subprocess.run(
        [sys.executable, *code.split(" ", 1)] if code.startswith("-m ") else [sys.executable, "-c", code],
        cwd=folder,
        env={
            **clean,
            "PYTHONPATH": str(ROOT),
            "DJANGO_SETTINGS_MODULE": "labelplatform.settings",
            "LABELPLATFORM_DATA": str(data),
            **(environment or {}),
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


CHECK = "from django.core.management import execute_from_command_line as run; run(['manage.py', 'check'])"
SERVE = "import labelplatform.asgi"


def test_importing_settings_writes_nothing_and_starts_nothing(tmp_path: Path) -> None:
    code = (
        "import json, psutil, labelplatform.settings as s; "
        "print(json.dumps([str(s.ARTIFACTS_DIR), len(psutil.Process().children())]))"
    )
    done = run(code, tmp_path / "data", folder=tmp_path)
    assert json.loads(done.stdout) == [str(tmp_path / "data" / "artifacts"), 0]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("start", [CHECK, SERVE])
def test_a_start_without_a_key_is_refused_with_the_remedy(tmp_path: Path, start: str) -> None:
    done = run(start, tmp_path)
    assert done.returncode != 0
    assert "labelplatform.E001" in done.stderr
    assert "SECRET_KEY_FILE" in done.stderr


@pytest.mark.parametrize(
    ("environment", "finding"),
    [
        ({"SECRET_KEY": "short"}, "labelplatform.E002"),
        ({"SECRET_KEY": "a" * 60}, "labelplatform.E002"),
        ({"SECRET_KEY": KEY, "ALLOWED_HOSTS": "*"}, "labelplatform.E003"),
        ({"DEBUG": "True", "ALLOWED_HOSTS": "label.example.org"}, "labelplatform.E004"),
    ],
)
def test_an_unsafe_server_does_not_start(tmp_path: Path, environment: dict[str, str], finding: str) -> None:
    done = run(SERVE, tmp_path, environment)
    assert done.returncode != 0
    assert finding in done.stderr


@pytest.mark.parametrize("environment", [{"SECRET_KEY": KEY}, {"DEBUG": "True"}])
def test_a_safe_server_starts(tmp_path: Path, environment: dict[str, str]) -> None:
    done = run(SERVE, tmp_path, environment)
    assert done.returncode == 0, done.stderr


def test_production_settings_pass_the_deployment_checks(tmp_path: Path) -> None:
    code = CHECK.replace("'check'", "'check', '--deploy', '--fail-level', 'WARNING'")
    done = run(code, tmp_path, {"SECRET_KEY": KEY, "ALLOWED_HOSTS": "label.example.org"})
    assert done.returncode == 0, done.stderr


def test_pages_carry_a_policy_without_inline_script_or_style(client: Client, db: None) -> None:
    response = client.get("/sign-in/", follow=True)
    policy = dict(part.strip().split(" ", 1) for part in response["Content-Security-Policy"].split(";"))
    assert (
        policy["default-src"]
        == policy["script-src"]
        == policy["style-src"]
        == policy["form-action"]
        == "'self'"
    )
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["object-src"] == "'none'"
    assert "unsafe" not in response["Content-Security-Policy"]


def test_a_person_reads_in_the_language_they_chose_on_any_device(client: Client, ada: User) -> None:
    client.force_login(ada)
    assert client.get("/nowhere/", headers={"accept-language": "zh-hans"})["Content-Language"] == "zh-hans"
    ada.language = "en"
    ada.save()
    assert client.get("/nowhere/", headers={"accept-language": "zh-hans"})["Content-Language"] == "en"
