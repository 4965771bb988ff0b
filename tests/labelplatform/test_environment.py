"""The readers of the environment: what they take, and what they refuse by name."""

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from labelplatform.environment import SQLITE_OPTIONS, Environment, broker_url, database


def test_boolean_takes_true_false_and_nothing_else() -> None:
    assert Environment({"DEBUG": "True"}).boolean("DEBUG", False) is True
    assert Environment({"DEBUG": "False"}).boolean("DEBUG", True) is False
    assert Environment({}).boolean("DEBUG", True) is True
    for nonsense in ("true", "1", "yes", "on", "False!"):
        with pytest.raises(ImproperlyConfigured, match=r"DEBUG=.*wanted True or False"):
            Environment({"DEBUG": nonsense}).boolean("DEBUG", False)


def test_integer_keeps_to_its_range() -> None:
    assert Environment({"JOB_SLOTS": "4"}).integer("JOB_SLOTS", 2, low=1, high=8) == 4
    assert Environment({"JOB_SLOTS": " "}).integer("JOB_SLOTS", 2, low=1, high=8) == 2
    for nonsense in ("0", "9", "-1", "2.5", "two", "٣", "1e3", "9" * 400):
        with pytest.raises(ImproperlyConfigured, match=r"JOB_SLOTS=.*from 1 to 8"):
            Environment({"JOB_SLOTS": nonsense}).integer("JOB_SLOTS", 2, low=1, high=8)


def test_words_are_separated_by_commas() -> None:
    hosts = Environment({"ALLOWED_HOSTS": "a.example, b.example"})
    assert hosts.words("ALLOWED_HOSTS") == ["a.example", "b.example"]
    assert Environment({}).words("ALLOWED_HOSTS", ("localhost",)) == ["localhost"]
    for nonsense in ("a.example,", "a.example b.example"):
        with pytest.raises(ImproperlyConfigured, match="ALLOWED_HOSTS"):
            Environment({"ALLOWED_HOSTS": nonsense}).words("ALLOWED_HOSTS")


def test_text_is_one_line() -> None:
    with pytest.raises(ImproperlyConfigured, match="LOG_LEVEL"):
        Environment({"LOG_LEVEL": "INFO\nDEBUG"}).text("LOG_LEVEL")


def test_folder_is_not_a_file(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(ImproperlyConfigured, match=r"ARTIFACTS_DIR.*found a file"):
        Environment({"ARTIFACTS_DIR": str(file)}).folder("ARTIFACTS_DIR", tmp_path)
    assert Environment({}).folder("ARTIFACTS_DIR", tmp_path) == tmp_path
    assert (
        not Environment({"ARTIFACTS_DIR": str(tmp_path / "new")}).folder("ARTIFACTS_DIR", tmp_path).exists()
    )


def test_secret_comes_from_one_place(tmp_path: Path) -> None:
    file, fallback = tmp_path / "key", tmp_path / "own-key"
    file.write_text("from-the-file\n")
    assert Environment({"SECRET_KEY": "given"}).secret("SECRET_KEY", fallback) == "given"
    assert Environment({"SECRET_KEY_FILE": str(file)}).secret("SECRET_KEY", fallback) == "from-the-file"
    assert Environment({}).secret("SECRET_KEY", fallback) == ""
    fallback.write_text("made-by-the-demo\n")
    assert Environment({}).secret("SECRET_KEY", fallback) == "made-by-the-demo"
    with pytest.raises(ImproperlyConfigured, match="Both SECRET_KEY and SECRET_KEY_FILE"):
        Environment({"SECRET_KEY": "given", "SECRET_KEY_FILE": str(file)}).secret("SECRET_KEY", fallback)


@pytest.mark.parametrize(
    ("content", "complaint"), [(None, "cannot be read"), (b"\n", "is empty"), (b"\xff\xfe", "cannot be read")]
)
def test_secret_file_must_hold_a_secret(tmp_path: Path, content: bytes | None, complaint: str) -> None:
    file = tmp_path / "key"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ImproperlyConfigured, match=complaint):
        Environment({"SECRET_KEY_FILE": str(file)}).secret("SECRET_KEY", tmp_path / "none")


def test_sqlite_stands_in_line_instead_of_failing() -> None:
    found = database("sqlite:////data/site.sqlite3")
    assert (found["ENGINE"], found["NAME"]) == ("django.db.backends.sqlite3", "/data/site.sqlite3")
    assert found["OPTIONS"] == SQLITE_OPTIONS
    assert SQLITE_OPTIONS["transaction_mode"] == "IMMEDIATE"
    assert SQLITE_OPTIONS["timeout"] == 20
    assert "journal_mode=WAL" in str(SQLITE_OPTIONS["init_command"])
    assert database("sqlite:///site.sqlite3")["NAME"] == str(Path("site.sqlite3").absolute())


def test_postgres_address_is_read_in_full() -> None:
    found = database("postgres://label:p%40ss@db.example:5433/platform?sslmode=require")
    assert [found[name] for name in ("HOST", "PORT", "USER", "PASSWORD", "NAME")] == [
        *("db.example", "5433", "label", "p@ss", "platform"),
    ]
    assert found["OPTIONS"] == {"sslmode": "require", "server_side_binding": True, "prepare_threshold": 2}
    bare = database("postgres://h/platform?prepare_threshold=never")
    assert bare["OPTIONS"] == {"server_side_binding": True, "prepare_threshold": None}
    assert database("postgres://h/platform?prepare_threshold=9")["OPTIONS"]["prepare_threshold"] == 9  # type: ignore[index]
    with pytest.raises(ImproperlyConfigured, match="prepare_threshold"):
        database("postgres://h/platform?prepare_threshold=often")
    assert database("postgresql:///platform?host=/run/postgresql")["HOST"] == "/run/postgresql"


@pytest.mark.parametrize(
    "address",
    [
        *("mysql://host/name", "sqlite://", "sqlite:///:memory:", "sqlite://host/file"),
        *("postgres://host", "postgres://host:port/name", "platform.sqlite3"),
    ],
)
def test_database_address_that_cannot_work_is_refused(address: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL"):
        database(address)


def test_refusal_of_a_database_address_tells_no_password() -> None:
    with pytest.raises(ImproperlyConfigured) as refusal:
        database("postgres://label:hunter2secret@host:port/name")
    assert "hunter2secret" not in str(refusal.value)


def test_broker_address_is_redis_or_a_socket() -> None:
    assert broker_url("redis://broker:6379/0") == "redis://broker:6379/0"
    assert broker_url("unix:///run/redis.sock") == "redis+socket:///run/redis.sock?virtual_host=0"
    for nonsense in ("amqp://localhost", "redis://", "unix://redis.sock", "localhost:6379"):
        with pytest.raises(ImproperlyConfigured, match="REDIS_URL"):
            broker_url(nonsense)
