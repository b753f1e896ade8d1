"""The settings: what is read from the environment, and what is refused."""

from datetime import timedelta
from pathlib import Path

import pytest

from backup_auditor.errors import SettingsError
from backup_auditor.settings.pinecone import (
    COMMAND_VARIABLES,
    allows_color,
    read_organization_settings,
    read_settings,
    redact,
)

KEY_VARIABLES = {"PINECONE_API_KEY": "key-for-tests"}
ROOT = Path(__file__).parents[3]


def test_only_the_key_is_needed() -> None:
    """With nothing but a key, everything else has its documented default."""
    settings = read_settings(KEY_VARIABLES)
    assert settings.host == "https://api.pinecone.io"
    assert (settings.api_version, settings.schedules_api_version) == ("2026-07", "2026-07")
    assert (settings.max_concurrency, settings.deadline) == (48, timedelta(minutes=10))


def test_every_variable_is_read() -> None:
    """Each variable that is documented changes its setting."""
    settings = read_settings(
        KEY_VARIABLES
        | {
            "PINECONE_CONTROLLER_HOST": "http://127.0.0.1:8080",
            "PINECONE_API_VERSION": "2025-10",
            "PINECONE_SCHEDULES_API_VERSION": "unstable",
            "BACKUP_AUDITOR_MAX_CONCURRENCY": "8",
            "BACKUP_AUDITOR_DEADLINE": "90s",
        }
    )
    assert settings.host == "http://127.0.0.1:8080"
    assert (settings.api_version, settings.schedules_api_version) == ("2025-10", "unstable")
    assert (settings.max_concurrency, settings.deadline) == (8, timedelta(seconds=90))


def test_schedules_follow_the_version_of_the_rest() -> None:
    """Without a version of its own, the family of schedules has that of indexes and backups."""
    assert read_settings(KEY_VARIABLES | {"PINECONE_API_VERSION": "2026-04"}).schedules_api_version == "2026-04"


def test_an_empty_variable_counts_as_absent() -> None:
    """A variable set to nothing, or to blanks, is as if it were not set."""
    empty_variables = {it.name: " " for it in COMMAND_VARIABLES if it.name not in KEY_VARIABLES}
    assert read_settings(KEY_VARIABLES | empty_variables) == read_settings(KEY_VARIABLES)


def test_another_variable_can_hold_the_key() -> None:
    """A project of a registry names the variable of its own key."""
    assert read_settings({"SEARCH_KEY": "other-key"}, key_variable="SEARCH_KEY").key == "other-key"


@pytest.mark.parametrize(
    "name,value",
    [
        pytest.param("PINECONE_API_KEY", "", id="no-key"),
        pytest.param("PINECONE_API_KEY", "two words", id="key-with-a-blank"),
        pytest.param("PINECONE_API_KEY", "line\nend", id="key-with-a-line-end"),
        pytest.param("PINECONE_API_KEY", "schlüssel", id="key-beyond-ascii"),
        pytest.param("PINECONE_API_KEY", "shorter", id="too-short-for-a-key"),
        pytest.param("PINECONE_API_VERSION", "latest", id="word-for-a-version"),
        pytest.param("PINECONE_API_VERSION", "2026-7", id="short-version"),
        pytest.param("PINECONE_SCHEDULES_API_VERSION", "v1", id="other-version"),
        pytest.param("BACKUP_AUDITOR_MAX_CONCURRENCY", "0", id="no-calls"),
        pytest.param("BACKUP_AUDITOR_MAX_CONCURRENCY", "257", id="too-many-calls"),
        pytest.param("BACKUP_AUDITOR_MAX_CONCURRENCY", "many", id="word-for-a-number"),
        pytest.param("BACKUP_AUDITOR_MAX_CONCURRENCY", "٣", id="digit-of-another-script"),
        pytest.param("BACKUP_AUDITOR_DEADLINE", "10", id="length-without-unit"),
        pytest.param("BACKUP_AUDITOR_DEADLINE", "0s", id="no-time"),
        pytest.param("BACKUP_AUDITOR_DEADLINE", "-1m", id="negative-time"),
        pytest.param("BACKUP_AUDITOR_DEADLINE", "9" * 20 + "h", id="endless-time"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(name: str, value: str) -> None:
    """A wrong value ends in one line that names its variable."""
    with pytest.raises(SettingsError, match=name) as error_info:
        read_settings(KEY_VARIABLES | {name: value})
    assert "\n" not in str(error_info.value)


@pytest.mark.parametrize("value", ["1", "256"])
def test_the_ends_of_the_range_are_allowed(value: str) -> None:
    """One call at once and 256 at once are both allowed."""
    assert read_settings(KEY_VARIABLES | {"BACKUP_AUDITOR_MAX_CONCURRENCY": value}).max_concurrency == int(value)


def test_a_variable_that_nobody_reads_is_refused() -> None:
    """A variable of ours that means nothing, such as one misspelt, is named instead of being passed over."""
    with pytest.raises(SettingsError, match="unknown variable BACKUP_AUDITOR_DEADLINES; use one of BACKUP_AUDITOR_MAX"):
        read_settings(KEY_VARIABLES | {"BACKUP_AUDITOR_DEADLINES": "5m"})


def test_a_wrong_key_is_not_repeated() -> None:
    """An invalid key is neither in the error nor in the text of the settings."""
    with pytest.raises(SettingsError) as error_info:
        read_settings({"PINECONE_API_KEY": "se cr et"})
    assert "se cr et" not in str(error_info.value)
    assert "key-for-tests" not in repr(read_settings(KEY_VARIABLES))


def test_keys_are_taken_out_of_any_text() -> None:
    """The project's key, and any text in the form of a key, is replaced everywhere."""
    key_like_text = "pcsk" + "_" + "x" * 20
    assert redact(f"key-for-tests failed, as did {key_like_text}.", KEY_VARIABLES) == "[key] failed, as did [key]."
    assert redact("nothing to hide", {}) == "nothing to hide"


def test_the_client_secret_is_taken_out_of_any_text() -> None:
    """A client secret in the environment is shown in no text, beside a key."""
    environ = KEY_VARIABLES | {"PINECONE_CLIENT_SECRET": "secret-for-tests"}
    assert redact("key-for-tests and secret-for-tests", environ) == "[key] and [key]"


SERVICE_ACCOUNT = {"PINECONE_CLIENT_ID": "client-of-tests", "PINECONE_CLIENT_SECRET": "secret-for-tests"}


def test_a_service_account_needs_its_id_and_its_secret() -> None:
    """With both, everything else has its documented default."""
    settings = read_organization_settings(SERVICE_ACCOUNT)
    assert (settings.client_id, settings.client_secret) == ("client-of-tests", "secret-for-tests")
    assert settings.oauth_url == "https://login.pinecone.io/oauth/token"
    assert (settings.host, settings.api_version) == ("https://api.pinecone.io", "2026-07")
    assert "secret-for-tests" not in repr(settings)


def test_other_hosts_of_an_organization_are_read() -> None:
    """The URL of tokens and the host of the Admin API can be replaced."""
    hosts = {"PINECONE_OAUTH_URL": "http://127.0.0.1:8/t", "PINECONE_CONTROLLER_HOST": "http://127.0.0.1:8"}
    settings = read_organization_settings(SERVICE_ACCOUNT | hosts)
    assert (settings.oauth_url, settings.host) == ("http://127.0.0.1:8/t", "http://127.0.0.1:8")


@pytest.mark.parametrize("name", SERVICE_ACCOUNT)
@pytest.mark.parametrize("value", ["", "two-canaries canary", "tiny", "line\nbreak-canary"])
def test_a_wrong_service_account_is_refused_by_name(name: str, value: str) -> None:
    """The error names the variable and what to do, and does not repeat the value."""
    with pytest.raises(SettingsError, match=f"^{name} is ") as error_info:
        read_organization_settings(SERVICE_ACCOUNT | {name: value})
    assert not value or value not in str(error_info.value)


def test_what_is_too_short_for_a_key_is_left_in_a_text() -> None:
    """A text that is too short for a key is refused as a key, and not removed from messages."""
    environ = {"PINECONE_API_KEY": "e"}
    with pytest.raises(SettingsError) as error_info:
        read_settings(environ)
    message = "PINECONE_API_KEY is too short for a key; copy the complete key"
    assert redact(str(error_info.value), environ) == message


@pytest.mark.parametrize(
    "environ,is_allowed",
    [
        pytest.param({}, True, id="nothing-said"),
        pytest.param({"NO_COLOR": ""}, True, id="empty"),
        pytest.param({"NO_COLOR": "0"}, False, id="anything-at-all"),
        pytest.param({"TERM": "dumb"}, False, id="terminal-without-colors"),
    ],
)
def test_colors_obey_no_color(environ: dict[str, str], *, is_allowed: bool) -> None:
    """Any text in NO_COLOR forbids colors; an empty one does not."""
    assert allows_color(environ) is is_allowed


def test_the_document_names_every_variable() -> None:
    """The table of the configuration shows every variable with its meaning."""
    text = (ROOT / "docs" / "reference" / "configuration.md").read_text(encoding="utf-8")
    for variable in COMMAND_VARIABLES:
        assert f"| `{variable.name}` |" in text
        assert variable.meaning in text
