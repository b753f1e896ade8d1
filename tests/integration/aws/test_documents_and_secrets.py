"""Test that registries, policies and secrets are fetched, cached and validated with real boto3."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any, Literal

import pytest

from backup_auditor.adapters.aws.config_sources import (
    PINECONE_KEY,
    PING_URL,
    SERVICE_ACCOUNT,
    SLACK_WEBHOOK,
    SecretFormat,
    Source,
    fetch_document,
    fetch_secret,
    read_secret,
)
from backup_auditor.adapters.aws.session import AwsSession
from backup_auditor.bootstrap.aws import ConfigSources
from backup_auditor.bootstrap.local import fetch_key, fetch_policy
from backup_auditor.domain.outbox import EVENT_CHANNEL, Channel, ChannelKind
from backup_auditor.domain.registry import NamePrefixes, RegisteredProject
from backup_auditor.errors import DocumentError, PolicyError, RegistryError, SecretError
from backup_auditor.settings.functions import FunctionSettings, Registration
from support.aws.moto import serve_moto

BUCKET = "config"
KEY = "pcsk" + "_" + "k" * 20
OTHER_KEY = "pcsk" + "_" + "o" * 20
WEBHOOK = "https://hooks.slack.com/services/T0/B0/" + "w" * 24
TOPIC = Channel(ChannelKind.SNS, "arn:aws:sns:eu-central-1:111122223333:alerts")
REGISTRY = "version: 1\nprojects:\n"


@pytest.fixture(scope="module", autouse=True)
def aws() -> Iterator[AwsSession]:
    """Serve AWS for the tests of this module, and configure boto3 to use it."""
    with serve_moto() as environ, pytest.MonkeyPatch.context() as patch:
        for name, value in environ.items():
            patch.setenv(name, value)
        yield AwsSession()


@pytest.fixture
def documents(aws: AwsSession) -> Source[bytes]:
    """Return an empty cache of documents."""
    return Source(partial(fetch_document, aws))


@pytest.fixture
def secrets(aws: AwsSession) -> Source[str | bytes]:
    """Return an empty cache of secrets."""
    return Source(partial(fetch_secret, aws))


@pytest.fixture
def store_secret(request: pytest.FixtureRequest, aws: AwsSession) -> Callable[[Any], str]:
    """Return a function that stores a secret under the name of the test and returns the name."""
    name = f"backup-auditor/{request.node.name}".translate(str.maketrans("[]", "()")).replace("(", "_").replace(")", "")

    def create_secret(value: Any) -> str:
        client = aws.secrets
        secret_value = {"SecretBinary" if isinstance(value, bytes) else "SecretString": value}
        try:
            client.create_secret(Name=name, **secret_value)
        except client.exceptions.ResourceExistsException:
            client.put_secret_value(SecretId=name, **secret_value)
        return name

    return create_secret


def put_parameter(aws: AwsSession, name: str, text: str) -> str:
    """Store a document in Parameter Store, and return its address."""
    aws.ssm.put_parameter(Name=name, Value=text, Type="String", Overwrite=True)
    return f"ssm:{name}"


def put_object(aws: AwsSession, key: str, text: str) -> str:
    """Store a document in S3, and return its address."""
    client = aws.s3
    with suppress(client.exceptions.BucketAlreadyOwnedByYou):
        client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    client.put_object(Bucket=BUCKET, Key=key, Body=text.encode())
    return f"s3://{BUCKET}/{key}"


DOCUMENT_STORES = [
    pytest.param(lambda aws, text: put_parameter(aws, "/backup-auditor/document", text), id="parameter"),
    pytest.param(lambda aws, text: put_object(aws, "backup-auditor/document.yaml", text), id="object"),
]


@pytest.mark.parametrize("put_document", DOCUMENT_STORES)
def test_a_document_is_cached_until_it_is_requested_again(
    put_document: Callable[[AwsSession, str], str], aws: AwsSession, documents: Source[bytes]
) -> None:
    """A cached document is fetched again only on request, and then cached."""
    address = put_document(aws, "eins")
    assert documents(address) == b"eins"
    put_document(aws, "zwei – ✓")
    assert documents(address) == b"eins"
    assert documents(address, fresh=True) == "zwei – ✓".encode()
    assert documents(address) == "zwei – ✓".encode()


def test_an_encrypted_parameter_is_read(aws: AwsSession, documents: Source[bytes]) -> None:
    """A SecureString is read like any other parameter."""
    aws.ssm.put_parameter(Name="/backup-auditor/secure", Value="text", Type="SecureString", Overwrite=True)
    assert documents("ssm:/backup-auditor/secure") == b"text"


@pytest.mark.parametrize(
    "address,reason",
    [
        pytest.param("ssm:/missing", "there is no such parameter; create it, or correct the address", id="parameter"),
        pytest.param("s3://config-missing/key", "there is no such bucket; correct the address", id="bucket"),
        pytest.param(f"s3://{BUCKET}/missing", "there is no such object; upload it, or correct", id="object"),
    ],
)
def test_a_missing_document_is_named(aws: AwsSession, address: str, reason: str, documents: Source[bytes]) -> None:
    """The error has the address and the remedy, and a failure is not cached."""
    put_object(aws, "present", "text")
    for _ in range(2):
        with pytest.raises(DocumentError) as error_info:
            documents(address)
        assert str(error_info.value).startswith(f"{address}: {reason}")


def test_a_document_that_is_too_large_is_refused(aws: AwsSession, documents: Source[bytes]) -> None:
    """A document of more than 1 MiB is refused."""
    with pytest.raises(DocumentError, match="has more than 1,048,576 bytes"):
        documents(put_object(aws, "large", "x" * (1 << 20) + "x"))


@pytest.mark.parametrize(
    "value,secret_format,secret_text",
    [
        pytest.param(KEY, PINECONE_KEY, KEY, id="key"),
        pytest.param(f"  {KEY}\n", PINECONE_KEY, KEY, id="key-with-blanks"),
        pytest.param(f'{{"PINECONE_API_KEY": "{KEY}", "more": 1}}', PINECONE_KEY, KEY, id="key-in-json"),
        pytest.param(WEBHOOK, SLACK_WEBHOOK, WEBHOOK, id="webhook"),
        pytest.param(f'{{"SLACK_WEBHOOK_URL": "{WEBHOOK}"}}', SLACK_WEBHOOK, WEBHOOK, id="webhook-in-json"),
        pytest.param("https://ping.example/x", PING_URL, "https://ping.example/x", id="ping"),
    ],
)
def test_a_secret_is_the_value_or_json(
    value: str,
    secret_format: SecretFormat[str],
    secret_text: str,
    store_secret: Callable[[Any], str],
    secrets: Source[str | bytes],
) -> None:
    """A secret has the value as text, or in a field of a JSON object."""
    assert read_secret(store_secret(value), secret_format, secrets) == secret_text


@pytest.mark.parametrize(
    "value,secret_format,reason",
    [
        pytest.param(" ", PINECONE_KEY, "is empty; store the value, or JSON with PINECONE_API_KEY", id="blank"),
        pytest.param(b"\x00\x01" + KEY.encode(), PINECONE_KEY, "is binary; store it as text", id="binary"),
        pytest.param(f"{KEY} {KEY}", PINECONE_KEY, "contains characters that no key has", id="two"),
        pytest.param(f'"{KEY}"', PINECONE_KEY, "contains characters that no key has", id="quotes"),
        pytest.param(f"PINECONE_API_KEY={KEY}\nX={KEY}", PINECONE_KEY, "contains characters that no key", id="file"),
        pytest.param(WEBHOOK, PINECONE_KEY, "is a URL, not a Pinecone API key", id="webhook-instead-of-a-key"),
        pytest.param(
            KEY, SLACK_WEBHOOK, "is not a URL; store a URL that starts with https://", id="key-instead-of-a-webhook"
        ),
        pytest.param(f"{WEBHOOK} {WEBHOOK}", SLACK_WEBHOOK, "has characters that a URL cannot have", id="webhooks"),
        pytest.param(f'{{"KEY": "{KEY}"}}', PINECONE_KEY, "is JSON without PINECONE_API_KEY; add it", id="other-field"),
        pytest.param('{"PINECONE_API_KEY": ""}', PINECONE_KEY, "is empty", id="empty-field"),
        pytest.param(" ", SERVICE_ACCOUNT, "is empty; store JSON", id="no-account"),
        pytest.param(KEY, SERVICE_ACCOUNT, "is not a JSON object; store {", id="key-instead-of-an-account"),
        pytest.param(f'["{KEY}"]', SERVICE_ACCOUNT, "is not a JSON object; store {", id="list-instead-of-an-account"),
        pytest.param(
            f'{{"client_id": "{KEY}"}}', SERVICE_ACCOUNT, "is JSON without a text client_secret; store {", id="half"
        ),
        pytest.param(
            f'{{"client_id": "{KEY} {KEY}", "client_secret": "{KEY}"}}',
            SERVICE_ACCOUNT,
            "has a client_id that is too short, or contains a space or a quote; copy it from the console again",
            id="two-client-ids",
        ),
        pytest.param(
            f'{{"PINECONE_API_KEY": ["{KEY}"]}}', PINECONE_KEY, "has a PINECONE_API_KEY that is no", id="list"
        ),
        pytest.param(
            f'{{"PINECONE_API_KEY": "{KEY}"',
            PINECONE_KEY,
            "starts like JSON and is not valid JSON",
            id="truncated-json",
        ),
    ],
)
def test_an_invalid_secret_is_named_and_not_shown(
    value: Any,
    secret_format: SecretFormat[Any],
    reason: str,
    store_secret: Callable[[Any], str],
    secrets: Source[str | bytes],
) -> None:
    """The error and its causes name the secret and the remedy, and do not show the value."""
    name = store_secret(value)
    with pytest.raises(SecretError) as error_info:
        read_secret(name, secret_format, secrets)
    assert str(error_info.value).startswith(f"the secret {name} {reason}")
    error_texts, error = "", error_info.value
    while error is not None:
        error_texts, error = error_texts + repr(error), error.__cause__ or error.__context__  # type: ignore[assignment]  # any exception
    assert not [it for it in (KEY, WEBHOOK, KEY[5:], WEBHOOK[-24:]) if it in error_texts.replace(name, "")]


def test_a_missing_secret_is_named(secrets: Source[str | bytes]) -> None:
    """The error for a missing secret has its name and the remedy."""
    with pytest.raises(
        SecretError, match=r"the secret s/missing: there is no such secret; create it, or correct the name"
    ):
        read_secret("s/missing", PINECONE_KEY, secrets)


def test_a_secure_parameter_is_a_secret(aws: AwsSession, secrets: Source[str | bytes]) -> None:
    """A SecureString parameter is decrypted, as text or JSON; other parameters are refused without their value."""
    parameters: list[tuple[str, Literal["String", "SecureString"], str]] = [
        ("plain", "String", KEY),
        ("key", "SecureString", KEY),
        ("json", "SecureString", f'{{"PING_URL": "{WEBHOOK}"}}'),
    ]
    for name, kind, value in parameters:
        aws.ssm.put_parameter(Name=f"/backup-auditor/keys/{name}", Value=value, Type=kind, Overwrite=True)
    assert read_secret("ssm:/backup-auditor/keys/key", PINECONE_KEY, secrets) == KEY
    assert read_secret("ssm:/backup-auditor/keys/json", PING_URL, secrets) == WEBHOOK
    with pytest.raises(SecretError, match=r"the secret ssm:/.*/plain is a parameter of type String") as error_info:
        read_secret("ssm:/backup-auditor/keys/plain", PINECONE_KEY, secrets)
    assert KEY not in str(error_info.value)
    with pytest.raises(
        SecretError, match=r"the secret ssm:/missing: there is no such parameter; create it, or correct"
    ):
        read_secret("ssm:/missing", PINECONE_KEY, secrets)
    assert fetch_key("ssm:/backup-auditor/keys/key") == KEY


def test_a_secret_that_is_scheduled_for_deletion_is_named(
    aws: AwsSession, store_secret: Callable[[Any], str], secrets: Source[str | bytes]
) -> None:
    """The error states that the secret is scheduled for deletion."""
    name = store_secret(KEY)
    aws.secrets.delete_secret(SecretId=name)
    with pytest.raises(SecretError, match=r"it is scheduled for deletion, or has no value; restore it"):
        read_secret(name, PINECONE_KEY, secrets)


def test_a_fresh_read_returns_a_rotated_secret(
    store_secret: Callable[[Any], str], secrets: Source[str | bytes]
) -> None:
    """A fresh read returns the new key, which is then cached."""
    name = store_secret(KEY)
    assert read_secret(name, PINECONE_KEY, secrets) == KEY
    store_secret(OTHER_KEY)
    assert read_secret(name, PINECONE_KEY, secrets) == KEY
    assert read_secret(name, PINECONE_KEY, secrets, fresh=True) == OTHER_KEY
    assert read_secret(name, PINECONE_KEY, secrets) == OTHER_KEY


def test_a_corrected_secret_is_read_again(store_secret: Callable[[Any], str], secrets: Source[str | bytes]) -> None:
    """An invalid secret is not cached, so that its correction is used."""
    name = store_secret(" ")
    with pytest.raises(SecretError):
        read_secret(name, PINECONE_KEY, secrets)
    store_secret(KEY)
    assert read_secret(name, PINECONE_KEY, secrets) == KEY


def build_sources(registration: Registration) -> ConfigSources:
    """Build the sources of a function process with a registry or a single project."""
    return ConfigSources(FunctionSettings("", "", "", "", registration, None, None, None, None))


def test_an_invalid_policy_is_not_replaced_by_an_older_one(aws: AwsSession) -> None:
    """An invalid policy is an error, and its correction is used immediately."""
    sources = build_sources(Registration(None, None))
    project = RegisteredProject("a", policy=put_parameter(aws, "/backup-auditor/policy", "rules: [{name: first}]"))
    assert [it.name for it in sources.load_policy(project).rules] == ["first"]
    put_parameter(aws, "/backup-auditor/policy", "rulez: []\nexemptions: {}")
    sources._documents(str(project.policy), fresh=True)
    with pytest.raises(PolicyError) as error_info:
        sources.load_policy(project)
    assert str(error_info.value).startswith("ssm:/backup-auditor/policy:1: ")
    assert str(error_info.value).endswith("(and 1 more: backup-auditor policy validate FILE lists them)")
    put_parameter(aws, "/backup-auditor/policy", "rules: [{name: second}]")
    policy = sources.load_policy(project)
    assert ([it.name for it in policy.rules], policy.source) == (["second"], "ssm:/backup-auditor/policy")


@pytest.mark.usefixtures("aws")
def test_without_a_policy_the_built_in_one_applies() -> None:
    """A project without a policy has the built-in one."""
    assert build_sources(Registration(None, None)).load_policy(RegisteredProject("a")).source == "built-in"


@pytest.mark.parametrize("put_document", DOCUMENT_STORES)
def test_an_invalid_entry_does_not_affect_the_others(
    put_document: Callable[[AwsSession, str], str], aws: AwsSession
) -> None:
    """On AWS an entry without a secret is an error, and the others have the stack's defaults and the event channel."""
    address = put_document(
        aws, f"{REGISTRY}- {{name: a, secret: s/a}}\n- {{name: b, key_env: B}}\n- {{name: c, secret: s/c, alerts: []}}"
    )
    registration = Registration(address, None, (TOPIC,), "ssm:policy")
    registry = build_sources(registration).load_registry(fresh=True)
    assert [(it.name, it.policy, it.channels) for it in registry.projects] == [
        ("a", "ssm:policy", (EVENT_CHANNEL, TOPIC)),
        ("c", "ssm:policy", (EVENT_CHANNEL,)),
    ]
    (entry_error,) = registry.errors
    text = registry.format_error(entry_error)
    assert text.startswith(f'{address}:4: the project "b" has no secret, which is required on AWS')


def test_a_registry_that_moves_a_secret_out_of_its_prefix_is_refused(aws: AwsSession) -> None:
    """The entry has an error that names the place and the prefix; the other entries are audited."""
    entries = "- {name: a, secret: other/a}\n- {name: b, secret: team/keys/b}"
    address = put_parameter(aws, "/backup-auditor/moved", f"{REGISTRY}{entries}")
    registration = Registration(address, None, prefixes=NamePrefixes("team/keys/", "team/webhooks/"))
    registry = build_sources(registration).load_registry(fresh=True)
    assert [it.name for it in registry.projects] == ["b"]
    with pytest.raises(RegistryError, match=rf'^{address}:3: the project "a" has the secret other/a, .* team/keys/$'):
        registry.find("a")


def test_a_new_project_of_the_registry_is_found(aws: AwsSession) -> None:
    """A cached registry without the requested project is read again."""
    address = put_parameter(aws, "/backup-auditor/registry", f"{REGISTRY}- {{name: a, secret: s/a}}")
    sources = build_sources(Registration(address, None))
    assert sources.load_registry().names == ("a",)
    put_parameter(aws, "/backup-auditor/registry", f"{REGISTRY}- {{name: a, secret: s/a}}\n- {{name: b, secret: s/b}}")
    assert sources.load_registry("a").names == ("a",)
    assert sources.load_registry("b").names == ("a", "b")


def test_an_invalid_registry_is_refused(aws: AwsSession) -> None:
    """The error for an invalid registry names the address and the line."""
    address = put_parameter(aws, "/backup-auditor/registry", "version: 1\nprojects: none")
    with pytest.raises(RegistryError, match=r"^ssm:/backup-auditor/registry:2: lists no projects"):
        build_sources(Registration(address, None)).load_registry(fresh=True)


@pytest.mark.usefixtures("aws")
def test_one_project_needs_no_registry() -> None:
    """Without a registry the only project is that of the settings, and nothing is fetched."""
    only = RegisteredProject("a", "s/a", channels=(TOPIC,))
    registry = build_sources(Registration(None, only)).load_registry("b", fresh=True)
    assert [(it.name, it.channels) for it in registry.projects] == [("a", (EVENT_CHANNEL, TOPIC))]


def test_the_command_line_reads_keys_and_policies_from_aws(aws: AwsSession, store_secret: Callable[[Any], str]) -> None:
    """With boto3 and credentials, the command line reads keys and policies from AWS."""
    assert fetch_key(store_secret(KEY)) == KEY
    address = put_object(aws, "backup-auditor/laptop.yaml", "rules: [{name: first}]")
    assert fetch_policy(address).source == address


def test_without_boto3_the_error_has_the_command_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error also names the alternative without boto3."""
    monkeypatch.setattr("backup_auditor.bootstrap.local.find_spec", lambda _: None)
    with pytest.raises(DocumentError, match=r"ssm:p: boto3 is not installed; run pip install .*, or name a local file"):
        fetch_policy("ssm:p")
    with pytest.raises(SecretError, match=r"secret s/a: boto3 is not installed; run pip install .*, or set key_env"):
        fetch_key("s/a")
