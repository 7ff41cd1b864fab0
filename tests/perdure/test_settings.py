"""Settings come from the environment, and each of them is explained."""

from pathlib import Path

import pytest

from perdure.errors import CannotStart
from perdure.settings import RuntimeChoice, Settings, read_settings


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"PERDURE_{name.upper()}", raising=False)
    monkeypatch.delenv("DOCKER_HOST", raising=False)


def test_each_setting_says_its_reason() -> None:
    unexplained = [name for name, field in Settings.model_fields.items() if not field.description]
    assert unexplained == []


def test_a_setting_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERDURE_PORT", "4000")
    monkeypatch.setenv("PERDURE_RUNTIME", "process")
    settings = Settings()
    assert settings.port == 4000
    assert settings.runtime is RuntimeChoice.PROCESS
    assert settings.base_url == "http://localhost:4000"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "70000"),
        ("RUNTIME", "podman"),
        ("HEARTBEAT", "0"),
        ("LEASE", "-1"),
        ("HOST", "example.com"),
    ],
)
def test_a_senseless_value_is_refused_by_its_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"PERDURE_{name}", value)
    with pytest.raises(CannotStart, match=f"`PERDURE_{name}` cannot be used") as refused:
        read_settings()
    assert refused.value.hint == Settings.model_fields[name.lower()].description


@pytest.mark.parametrize(
    "written", ["3.11, 3.12", "3.11,3.12", " 3.11 , 3.12, ", '["3.11", "3.12"]']
)
def test_a_list_is_written_with_commas_or_as_json(
    monkeypatch: pytest.MonkeyPatch, written: str
) -> None:
    monkeypatch.setenv("PERDURE_IMAGE_PYTHONS", written)
    assert read_settings().image_pythons == ("3.11", "3.12")


@pytest.mark.parametrize("written", ["", " , ", '["3.11', "[3, 4.5e"])
def test_a_list_that_cannot_be_read_is_refused_by_its_name(
    monkeypatch: pytest.MonkeyPatch, written: str
) -> None:
    monkeypatch.setenv("PERDURE_IMAGE_PYTHONS", written)
    with pytest.raises(CannotStart, match="`PERDURE_IMAGE_PYTHONS` cannot be used"):
        read_settings()


def test_what_the_library_cannot_read_is_refused_by_its_name_and_not_quoted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Broken(Settings):
        image_pythons: dict[str, int] = {}  # type: ignore[assignment]

    monkeypatch.setattr("perdure.settings.Settings", Broken)
    monkeypatch.setenv("PERDURE_IMAGE_PYTHONS", "s3cret")
    with pytest.raises(CannotStart, match="`PERDURE_IMAGE_PYTHONS` cannot be used") as refused:
        read_settings()
    assert "s3cret" not in refused.value.message + refused.value.hint


def test_a_name_of_this_machine_is_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERDURE_HOST", "localhost")
    assert read_settings().host == "127.0.0.1"


def test_the_docker_engine_is_ours_then_dockers_then_the_usual(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert Settings().docker_host == "unix:///var/run/docker.sock"
    monkeypatch.setenv("DOCKER_HOST", "tcp://docker:2375")
    assert Settings().docker_host == "tcp://docker:2375"
    monkeypatch.setenv("PERDURE_DOCKER_HOST", "unix:///mine.sock")
    assert Settings().docker_host == "unix:///mine.sock"


def test_the_admin_token_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERDURE_ADMIN_TOKEN", "s3cret")
    assert "s3cret" not in repr(Settings())


def test_paths_are_absolute_and_know_the_home(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Settings().data_dir == tmp_path / ".perdure" / "server"
    monkeypatch.chdir(tmp_path)
    assert Settings(data_dir=Path("here")).data.root == tmp_path / "here"


def test_the_store_is_sqlite_in_the_data_directory_unless_told(tmp_path: Path) -> None:
    assert Settings(data_dir=tmp_path).store_url == f"sqlite+aiosqlite:///{tmp_path}/perdure.db"
    url = "postgresql+asyncpg://perdure@db/perdure"
    assert Settings(data_dir=tmp_path, database_url=url).store_url == url


def test_the_stores_url_is_of_a_known_database_and_is_not_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PERDURE_DATABASE_URL", "postgresql+asyncpg://me:s3cret@db/perdure")
    assert "s3cret" not in repr(Settings()) + Settings().model_dump_json()
    monkeypatch.setenv("PERDURE_DATABASE_URL", "mysql://me:s3cret@db/perdure")
    with pytest.raises(CannotStart, match="neither SQLite nor PostgreSQL") as refused:
        read_settings()
    assert "s3cret" not in refused.value.message + refused.value.hint
