"""Test the names of projects, secrets and documents, and the format of keys."""

from collections.abc import Callable

import pytest

from backup_auditor.domain.identifiers import (
    parse_document_address,
    parse_key,
    parse_project_name,
    parse_secret_name,
)

KEY = "pcsk" + "_" + "x" * 20
KEY_CHARACTERS_MESSAGE = "contains characters that no key has; copy the key again, without spaces or quotes"
PASTED_VALUE_MESSAGE = (
    "looks like the secret itself; store it in Secrets Manager or Parameter Store and write its name here"
)
NAME_OR_ARN_MESSAGE = (
    "is not a valid name of a secret; write its name in Secrets Manager, its complete ARN (with the six characters at"
    " the end), or ssm:NAME of a SecureString parameter"
)
PROJECT_NAME_MESSAGE = (
    "is not a valid project name; use 1 to 100 characters, without control characters or slashes, and do not start"
    " with a dot or a space"
)
ADDRESS_MESSAGE = "is not an address of a document; write ssm:NAME or s3://BUCKET/KEY"


@pytest.mark.parametrize(
    "key",
    [
        pytest.param(KEY, id="present-format"),
        pytest.param("x" * 8, id="shortest"),
        pytest.param("X#b!c%d$", id="punctuation"),
    ],
)
def test_a_key_is_accepted(key: str) -> None:
    """A key of 8 or more visible ASCII characters is accepted unchanged."""
    assert parse_key(key) == key


@pytest.mark.parametrize(
    "text, message",
    [
        pytest.param("x" * 7, "is too short for a key; copy the complete key", id="one-character-too-short"),
        pytest.param(f"{KEY} ", KEY_CHARACTERS_MESSAGE, id="trailing-space"),
        pytest.param(f'"{KEY}"', KEY_CHARACTERS_MESSAGE, id="double-quotes"),
        pytest.param(f"'{KEY}'", KEY_CHARACTERS_MESSAGE, id="single-quotes"),
        pytest.param(f"{KEY}\n", KEY_CHARACTERS_MESSAGE, id="line-feed"),
        pytest.param(f"{KEY}é", KEY_CHARACTERS_MESSAGE, id="letter-outside-ascii"),
    ],
)
def test_a_damaged_key_is_refused(text: str, message: str) -> None:
    """A text that cannot be a key is refused, and the message does not contain it."""
    with pytest.raises(ValueError, match="key") as error_info:
        parse_key(text)
    assert str(error_info.value) == message


@pytest.mark.parametrize(
    "parser, text, message",
    [
        pytest.param(parse_secret_name, KEY, PASTED_VALUE_MESSAGE, id="key-as-the-name-of-a-secret"),
        pytest.param(
            parse_secret_name, "https://hooks.example/x", PASTED_VALUE_MESSAGE, id="address-as-the-name-of-a-secret"
        ),
        pytest.param(parse_secret_name, "a b", NAME_OR_ARN_MESSAGE, id="space-in-the-name-of-a-secret"),
        pytest.param(parse_secret_name, "", NAME_OR_ARN_MESSAGE, id="empty-name-of-a-secret"),
        pytest.param(parse_project_name, ".search", PROJECT_NAME_MESSAGE, id="project-with-a-leading-dot"),
        pytest.param(parse_project_name, "a\u202eb", PROJECT_NAME_MESSAGE, id="direction-character"),
        pytest.param(parse_document_address, "s3:bucket/key", ADDRESS_MESSAGE, id="address-without-slashes"),
    ],
)
def test_an_invalid_name_is_refused(parser: Callable[[str], str], text: str, message: str) -> None:
    """The message says what is wrong and what to write, and does not contain the refused text."""
    with pytest.raises(ValueError, match=r"^(is|looks)") as error_info:
        parser(text)
    assert str(error_info.value) == message


@pytest.mark.parametrize(
    "parser, text",
    [
        pytest.param(parse_secret_name, "backup-auditor/search", id="secret"),
        pytest.param(
            parse_secret_name, "arn:aws:secretsmanager:eu-west-1:111122223333:secret:a-AbCdEf", id="arn-of-a-secret"
        ),
        pytest.param(parse_project_name, "x" * 100, id="longest-project-name"),
        pytest.param(parse_document_address, "ssm:/backup-auditor/policy", id="parameter"),
        pytest.param(parse_document_address, "s3://bucket/policies/search.yaml", id="object"),
    ],
)
def test_a_valid_name_is_returned(parser: Callable[[str], str], text: str) -> None:
    """A valid name is returned unchanged."""
    assert parser(text) == text
