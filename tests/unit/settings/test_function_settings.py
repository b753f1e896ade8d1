"""Each function reads only the variables that it needs, and refuses invalid values."""

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from backup_auditor.domain.finding import Severity
from backup_auditor.domain.outbox import Channel, ChannelKind
from backup_auditor.domain.registry import NamePrefixes, RegisteredProject
from backup_auditor.errors import SettingsError
from backup_auditor.settings.functions import read_function_settings
from backup_auditor.settings.variables import FUNCTION_VARIABLES, VARIABLES_BY_FUNCTION
from support.aws.template import load_template

ROOT = Path(__file__).parents[3]
TOPIC = "arn:aws:sns:eu-central-1:111122223333:alerts"
ALL_VARIABLES = {
    "STACK_NAME": "stack",
    "STATE_TABLE": "table",
    "EVIDENCE_BUCKET": "bucket",
    "EVENT_BUS": "bus",
    "REGISTRY": "",
    "NAME_PREFIX": "backup-auditor/",
    "EDITOR_NAME_PREFIX": "backup-auditor-editor/",
    "DRILL_NAME_PREFIX": "backup-auditor-drill/",
    "TOPIC_PREFIX": "arn:aws:sns:eu-central-1:111122223333:backup-auditor-",
    "PROJECT_NAME": "search",
    "API_KEY_SECRET": "backup-auditor/keys/search",
    "EDITOR_KEY_SECRET": "backup-auditor-editor/search",
    "DRILL_KEY_SECRET": "backup-auditor-drill/search",
    "POLICY": "ssm:/backup-auditor/policies/search",
    "ALERT_TOPIC": TOPIC,
    "ALERT_SEVERITY": "medium",
    "SLACK_SECRET": "backup-auditor/webhooks/slack",
    "SLACK_SEVERITY": "critical",
    "WEEKLY_SUMMARY": "true",
    "REPORT_BASE_URL": "https://reports.example.com/audits",
    "PING_URL_SECRET": "backup-auditor/pings/all",
    "ORGANIZATION_SECRET": "backup-auditor/organization/pinecone",
    "AUDIT_RETENTION_DAYS": "400",
}


class RecordingEnvironment(dict[str, str]):
    """An environment that records which variables are read."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        """Begin without any read."""
        super().__init__(variables)
        self.requested_names: set[str] = set()

    def get(self, key: str, default: str | None = None) -> str:  # type: ignore[override]  # always called with a default
        """Record the name."""
        self.requested_names.add(key)
        return super().get(key, default or "")

    def __getitem__(self, key: str) -> str:
        """Record the name."""
        self.requested_names.add(key)
        return super().__getitem__(key)

    def __iter__(self) -> Iterator[str]:
        """Refuse iteration over all variables."""
        raise AssertionError


@pytest.mark.parametrize("function", VARIABLES_BY_FUNCTION)
def test_a_function_reads_what_is_documented_and_no_more(function: str) -> None:
    """The table of which function reads which variable is complete, and no function reads beyond it."""
    environ = RecordingEnvironment(ALL_VARIABLES)
    read_function_settings(function, environ)
    assert environ.requested_names == {it.name for it in VARIABLES_BY_FUNCTION[function]}


def test_one_project_has_its_key_its_policy_and_the_channels_of_the_stack() -> None:
    """Without a registry the variables say everything about the one project there is."""
    channels = (
        Channel(ChannelKind.SNS, TOPIC, Severity.MEDIUM, has_weekly_summary=True),
        Channel(ChannelKind.SLACK, "backup-auditor/webhooks/slack", Severity.CRITICAL, has_weekly_summary=True),
    )
    settings = read_function_settings("audit", ALL_VARIABLES)
    assert settings.registration.single_project == RegisteredProject(
        "search", "backup-auditor/keys/search", policy="ssm:/backup-auditor/policies/search", channels=channels
    )
    assert settings.registration.registry_address is None
    assert (settings.state_table, settings.evidence_bucket, settings.event_bus) == ("table", "bucket", "bus")
    assert settings.retention == timedelta(days=400)


def test_the_watch_has_the_channels_and_the_ping_url_of_the_stack() -> None:
    """The watch needs the channels of each project, and no key."""
    settings = read_function_settings("watch", ALL_VARIABLES)
    assert settings.ping_url_secret == ALL_VARIABLES["PING_URL_SECRET"]
    assert settings.organization_secret == ALL_VARIABLES["ORGANIZATION_SECRET"]
    assert settings.registration.single_project is not None
    assert settings.registration.single_project.secret is None
    assert [it.kind for it in settings.registration.single_project.channels] == [ChannelKind.SNS, ChannelKind.SLACK]


def test_only_remediation_has_the_key_that_may_write() -> None:
    """It has that one and no other; the audit, which is given both, knows nothing of it."""
    project_entry = read_function_settings("remediate", ALL_VARIABLES).registration.single_project
    assert project_entry == RegisteredProject(
        "search", policy=ALL_VARIABLES["POLICY"], editor_secret=ALL_VARIABLES["EDITOR_KEY_SECRET"]
    )
    audited_entry = read_function_settings("audit", ALL_VARIABLES).registration.single_project
    assert audited_entry is not None
    assert audited_entry.editor_secret is None


def test_only_restore_drills_have_their_key() -> None:
    """They have that one and no other, and the functions that are given all do not know of it."""
    registration = read_function_settings("drill", ALL_VARIABLES).registration
    assert registration.single_project == RegisteredProject(
        "search", policy=ALL_VARIABLES["POLICY"], drill_secret=ALL_VARIABLES["DRILL_KEY_SECRET"]
    )
    assert registration.prefixes.drill_keys == ALL_VARIABLES["DRILL_NAME_PREFIX"]
    for function in ("audit", "remediate"):
        other_registration = read_function_settings(function, ALL_VARIABLES).registration
        assert other_registration.single_project is not None
        assert (other_registration.single_project.drill_secret, other_registration.prefixes.drill_keys) == (None, None)


def test_a_registry_takes_the_place_of_the_one_project() -> None:
    """With a registry neither name nor key nor policy of a single project counts; the channels do."""
    registration = read_function_settings(
        "audit", ALL_VARIABLES | {"REGISTRY": "s3://config/registry.yaml", "PROJECT_NAME": "", "API_KEY_SECRET": ""}
    ).registration
    assert (registration.registry_address, registration.single_project) == ("s3://config/registry.yaml", None)
    assert [it.kind for it in registration.channels] == [ChannelKind.SNS, ChannelKind.SLACK]
    assert registration.has_weekly_summary
    topics = (TOPIC, ALL_VARIABLES["TOPIC_PREFIX"])
    assert registration.prefixes == NamePrefixes(
        *("backup-auditor/keys/", "backup-auditor/webhooks/", "backup-auditor/pings/"), editor_keys=None, topics=topics
    )


def test_optional_settings_can_be_absent() -> None:
    """Without topic, webhook, ping and policy there are none, alerts start at low, and records never expire."""
    required_names = (
        *("STATE_TABLE", "EVIDENCE_BUCKET", "EVENT_BUS", "PROJECT_NAME", "API_KEY_SECRET"),
        *("STACK_NAME", "NAME_PREFIX", "TOPIC_PREFIX"),
    )
    settings = read_function_settings("audit", {it: ALL_VARIABLES[it] for it in required_names})
    assert settings.registration.single_project == RegisteredProject("search", "backup-auditor/keys/search")
    assert settings.retention is None
    assert read_function_settings("watch", {it: ALL_VARIABLES[it] for it in required_names}).ping_url_secret is None
    notify_config = read_function_settings("notify", {it: ALL_VARIABLES[it] for it in (*required_names, "ALERT_TOPIC")})
    assert notify_config.registration.channels == (Channel(ChannelKind.SNS, TOPIC, Severity.LOW),)


def test_a_retention_of_zero_days_keeps_records() -> None:
    """A retention of zero days is no limit."""
    assert read_function_settings("audit", ALL_VARIABLES | {"AUDIT_RETENTION_DAYS": "0"}).retention is None


@pytest.mark.parametrize(
    "name,value,message",
    [
        pytest.param("STATE_TABLE", " ", "is not set; the template sets it", id="no-table"),
        pytest.param("EVIDENCE_BUCKET", "", "is not set", id="no-bucket"),
        pytest.param("EVENT_BUS", "", "is not set", id="no-bus"),
        pytest.param("PROJECT_NAME", "", "is not set", id="no-project"),
        pytest.param("PROJECT_NAME", "a/b", "is not a valid project name", id="slash-in-a-name"),
        pytest.param("API_KEY_SECRET", "", "is not set", id="no-secret"),
        pytest.param("API_KEY_SECRET", "two words", "is not a valid name of a secret", id="blank-in-a-secret"),
        pytest.param("REGISTRY", "registry.yaml", "is not an address of a document; write ssm:NAME", id="file"),
        pytest.param("REGISTRY", "s3://bucket", "is not an address of a document", id="bucket-without-key"),
        pytest.param("POLICY", "https://example.org/policy", "is not an address of a document", id="web"),
        pytest.param("ALERT_TOPIC", "alerts", "is not the ARN of a standard topic", id="topic-by-name"),
        pytest.param("ALERT_TOPIC", f"{TOPIC}.fifo", "is not the ARN of a standard topic", id="topic-in-order"),
        pytest.param(
            "ALERT_SEVERITY", "severe", "is not a severity; write low, medium, high or critical", id="severity"
        ),
        pytest.param("SLACK_SEVERITY", "HIGH", "is not a severity", id="capitals"),
        pytest.param("SLACK_SECRET", "https://hooks.example/x", "looks like the secret itself", id="webhook"),
        pytest.param("WEEKLY_SUMMARY", "weekly", "is not a boolean; set it to true or false", id="weekly"),
        pytest.param("AUDIT_RETENTION_DAYS", "-1", "is not a number of days", id="negative"),
        pytest.param("AUDIT_RETENTION_DAYS", "36501", "is not a number of days", id="beyond-a-century"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(name: str, value: str, message: str) -> None:
    """A missing or invalid variable is refused in one line that names it."""
    with pytest.raises(SettingsError) as error_info:
        read_function_settings("audit", ALL_VARIABLES | {name: value})
    assert str(error_info.value).startswith(f"{name} {message}")
    assert "\n" not in str(error_info.value)


BASE_URLS = [
    pytest.param("https://reports.example.com", True, id="host"),
    pytest.param("https://reports.example.com:8443/audits/search/", True, id="path"),
    pytest.param("http://reports.example.com", False, id="not-encrypted"),
    pytest.param("reports.example.com", False, id="no-scheme"),
    pytest.param("https://user@example.com", False, id="user"),
    pytest.param("https://example.com/a?b=c", False, id="query"),
    pytest.param("https://example.com/#a", False, id="fragment"),
    pytest.param("https://", False, id="no-host"),
]


@pytest.mark.parametrize("value, is_accepted", BASE_URLS)
def test_a_base_url_can_be_followed_by_a_key(value: str, *, is_accepted: bool) -> None:
    """The function and the template accept the same URLs: those that a key can follow."""
    pattern = load_template()["Parameters"]["ReportBaseUrl"]["AllowedPattern"]
    assert (re.fullmatch(pattern, value) is not None) is is_accepted
    if is_accepted:
        assert read_function_settings("notify", ALL_VARIABLES | {"REPORT_BASE_URL": value}).report_base_url == value
    else:
        with pytest.raises(SettingsError, match="REPORT_BASE_URL is not a base URL; write https://HOST"):
            read_function_settings("notify", ALL_VARIABLES | {"REPORT_BASE_URL": value})


@pytest.mark.parametrize("name", ["API_KEY_SECRET", "SLACK_SECRET"])
@pytest.mark.parametrize(
    "value",
    [
        pytest.param("pcsk" + "_" + "x" * 20, id="key"),
        pytest.param("0a1b2c3d-0000-1111-2222-" + "0a1b2c3d4e5f", id="key-of-old"),
        pytest.param("https://hooks.example/services/x", id="webhook"),
    ],
)
def test_a_secret_in_place_of_its_name_is_not_repeated(name: str, value: str) -> None:
    """A secret in place of its name is refused, and not shown."""
    with pytest.raises(SettingsError, match="looks like the secret itself; store it in Secrets Manager") as error_info:
        read_function_settings("audit", ALL_VARIABLES | {name: value})
    assert value not in str(error_info.value)


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov"])
def test_topics_and_secrets_may_be_in_any_partition(partition: str) -> None:
    """China and GovCloud have ARNs of their own."""
    secret = f"arn:{partition}:secretsmanager:some-north-1:111122223333:secret:backup-auditor/keys/search-AbCdEf"
    topic = TOPIC.replace("arn:aws:", f"arn:{partition}:")
    settings = read_function_settings("audit", ALL_VARIABLES | {"API_KEY_SECRET": secret, "ALERT_TOPIC": topic})
    assert settings.registration.single_project is not None
    assert settings.registration.single_project.secret == secret


@pytest.mark.parametrize(
    "value, is_valid",
    [
        pytest.param("backup-auditor/keys/search", True, id="name"),
        pytest.param("ssm:/backup-auditor/keys/search", True, id="parameter"),
        pytest.param("ssm:search", True, id="parameter-without-slash"),
        pytest.param("ssm:backup-auditor/search", False, id="path-without-first-slash"),
        pytest.param("ssm:/search/", False, id="last-slash"),
        pytest.param("ssm:", False, id="no-parameter"),
        pytest.param("arn:aws:secretsmanager:eu-west-1:111122223333:secret:keys/search", False, id="partial-arn"),
        pytest.param("arn:aws:ssm:eu-west-1:111122223333:parameter/search", False, id="arn-of-parameter"),
    ],
)
def test_a_secret_is_named_in_full(value: str, *, is_valid: bool) -> None:
    """A name, a complete ARN and the address of a parameter are accepted; IAM would refuse a partial ARN."""
    if is_valid:
        assert read_function_settings("watch", ALL_VARIABLES | {"PING_URL_SECRET": value}).ping_url_secret == value
        return
    with pytest.raises(SettingsError, match=r"its complete ARN .with the six characters at the end., or ssm:NAME"):
        read_function_settings("watch", ALL_VARIABLES | {"PING_URL_SECRET": value})


def test_the_document_names_every_variable() -> None:
    """The table of the configuration shows every variable of the functions with its meaning."""
    text = (ROOT / "docs" / "reference" / "configuration.md").read_text(encoding="utf-8")
    for variable in FUNCTION_VARIABLES:
        assert f"| `{variable.name}` |" in text
        assert variable.meaning in text
