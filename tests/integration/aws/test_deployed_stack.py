"""Test the errors of AWS that an operator can correct, with real boto3: each has its remedy."""

import json
from pathlib import Path

import pytest

from backup_auditor.adapters.aws.deployed_stack import CloudFormationStack
from backup_auditor.adapters.aws.session import AwsSession
from backup_auditor.errors import StackError
from support.raw_server import serve_answer

REMEDY_OF_CREDENTIALS = "; check AWS_REGION, AWS_PROFILE and the credentials"
REMEDY_OF_NETWORK = "; check the network, and try again"


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> CloudFormationStack:
    """Return a stack at an address without a server."""
    for name, value in {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_MAX_ATTEMPTS": "1",
    }.items():
        monkeypatch.setenv(name, value)
    return CloudFormationStack(AwsSession(), "backup-auditor")


def find_error(stack: CloudFormationStack) -> str:
    """Return why the functions of a stack cannot be invoked."""
    with pytest.raises(StackError) as caught:
        stack.invoke("backup-auditor-audit", {"check": True})
    return str(caught.value)


@pytest.mark.parametrize(
    "code, remedy",
    [
        pytest.param("KMSAccessDeniedException", "; allow the role of the function to use the KMS key", id="kms"),
        pytest.param("SignatureDoesNotMatch", "; check the AWS credentials and the clock", id="signature"),
        pytest.param("InvalidSignatureException", "; check the AWS credentials and the clock", id="clock"),
        pytest.param("AccessDeniedException", "; allow your role to call lambda:InvokeFunction", id="denied"),
        pytest.param("ServiceException", "; try again later", id="other"),
    ],
)
def test_a_refusal_has_its_remedy(
    stack: CloudFormationStack, monkeypatch: pytest.MonkeyPatch, code: str, remedy: str
) -> None:
    """The error names the code of AWS and what to do."""
    body = json.dumps({"message": "no"})
    answer = f"HTTP/1.1 403 Forbidden\r\nx-amzn-ErrorType: {code}\r\nContent-Length: {len(body)}\r\n"
    with serve_answer(f"{answer}Connection: close\r\n\r\n{body}".encode()) as (port, _):
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
        error = find_error(stack)
    assert code in error
    assert remedy in error


def test_a_host_that_cannot_be_reached_is_a_matter_of_the_network(stack: CloudFormationStack) -> None:
    """The connection is refused."""
    assert find_error(stack).endswith(REMEDY_OF_NETWORK)


def test_an_answer_that_breaks_off_is_a_matter_of_the_network(
    stack: CloudFormationStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection is closed before the answer."""
    with serve_answer(b"") as (port, _):
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
        assert find_error(stack).endswith(REMEDY_OF_NETWORK)


@pytest.mark.parametrize(
    "profile",
    [
        pytest.param(
            "sso_session = company\nsso_account_id = 123456789012\nsso_role_name = reader\n"
            "[sso-session company]\nsso_region = eu-central-1\nsso_start_url = https://sso.example.com/start\n",
            id="no-session",
        ),
        pytest.param("credential_process = false\n", id="failed-process"),
    ],
)
def test_credentials_that_cannot_be_loaded_are_no_matter_of_the_network(
    stack: CloudFormationStack, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, profile: str
) -> None:
    """A sign-on that expired has no token, and a process without output no key: nothing was sent."""
    (tmp_path / "config").write_text(f"[profile company]\n{profile}")
    monkeypatch.setenv("AWS_PROFILE", "company")
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    assert find_error(stack).endswith(REMEDY_OF_CREDENTIALS)
