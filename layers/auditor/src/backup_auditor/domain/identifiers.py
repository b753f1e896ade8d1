"""The valid names of projects, secrets, topics and documents: each parser returns the text or raises `ValueError`.

The message never repeats a refused name of a secret: it may be the secret itself.
"""

import re

from backup_auditor.domain.text import escape_control_characters

PROJECT_NAME_PATTERN = r"[^\s/\\.](?:[^/\\]{0,98}[^\s/\\])?"
VARIABLE_PATTERN = r"[A-Za-z_][A-Za-z0-9_]*"
PROJECT_ID_PATTERN = r"[A-Za-z0-9][A-Za-z0-9-]{0,63}"
CHANNEL_GROUP_PATTERN = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}"
PARAMETER_SCHEME = "ssm:"
_SECRET_ARN_PATTERN = (
    r"arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]{1,512}-[A-Za-z0-9]{6}"  # noqa: S105  a pattern
)
_SECRET_PARAMETER_PATTERN = PARAMETER_SCHEME + r"(?:[A-Za-z0-9_.-]+|(?:/[A-Za-z0-9_.-]+){1,15})"
SECRET_NAME_PATTERN = rf"(?:{_SECRET_ARN_PATTERN}|{_SECRET_PARAMETER_PATTERN}|[A-Za-z0-9/_+=.@-]{{1,512}})"
TOPIC_ARN_PATTERN = r"arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}"
# the present format, and the earlier one
_KEY = re.compile(r"pcsk_|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
MIN_KEY_LENGTH = 8
"""The shortest text that counts as a key. A shorter one could match part of an ordinary word when keys are removed."""
_PARAMETER = re.compile(r"ssm:[A-Za-z0-9_./-]{1,1011}")
_BASE_URL = re.compile(r"https://[a-z0-9][a-z0-9.-]*(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~-]+)*/?")
_OBJECT = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/[^\x00-\x1f\x7f]{1,1024}")


def parse_project_name(text: str) -> str:
    """Parse the name of a project. It becomes part of reports and file names. Raises `ValueError`."""
    if re.fullmatch(PROJECT_NAME_PATTERN, text) is None or escape_control_characters(text) != text:
        raise ValueError(
            "is not a valid project name; use 1 to 100 characters, without control characters or slashes,"
            " and do not start with a dot or a space"
        )
    return text


def parse_project_id(text: str) -> str:
    """Parse Pinecone's id of a project. Raises `ValueError`."""
    if re.fullmatch(PROJECT_ID_PATTERN, text) is None:
        raise ValueError("is not the id of a project; copy it from `backup-auditor registry discover`")
    return text


def parse_key_variable(text: str) -> str:
    """Parse the name of an environment variable that contains a key. Raises `ValueError`."""
    if re.fullmatch(VARIABLE_PATTERN, text) is None or is_key(text):
        raise ValueError("is not a valid name of a variable; write the name of the variable that contains the key")
    return text


def to_variable_part(project: str) -> str:
    """Return the name of a project as a part of the name of a variable: upper case, with `_` for other characters."""
    return re.sub("[^A-Z0-9]", "_", project.upper())


def parse_key(text: str) -> str:
    """Parse a key that is sent in a header. Raises `ValueError` without the key in its text."""
    if not (text.isascii() and text.isprintable()) or set(text) & set(" \"'"):
        raise ValueError("contains characters that no key has; copy the key again, without spaces or quotes")
    if len(text) < MIN_KEY_LENGTH:
        raise ValueError("is too short for a key; copy the complete key")
    return text


def parse_secret_name(text: str) -> str:
    """Parse the name or the complete ARN of a secret, or the address of a parameter. Raises `ValueError`."""
    if is_key(text) or "://" in text:
        raise ValueError(
            "looks like the secret itself; store it in Secrets Manager or Parameter Store and write its name here"
        )
    if re.fullmatch(SECRET_NAME_PATTERN, text) is None:
        raise ValueError(
            "is not a valid name of a secret; write its name in Secrets Manager, its complete ARN (with the six"
            " characters at the end), or ssm:NAME of a SecureString parameter"
        )
    return text


def get_secret_path(secret: str) -> str:
    """Return the name of a secret without its ARN, and of a parameter without its first slash."""
    if secret.startswith(PARAMETER_SCHEME):
        return secret.removeprefix(PARAMETER_SCHEME).removeprefix("/")
    return secret.rpartition(":")[2]


def parse_topic_arn(text: str) -> str:
    """Parse the ARN of a topic. Raises `ValueError`."""
    if re.fullmatch(TOPIC_ARN_PATTERN, text) is None:
        raise ValueError("is not the ARN of a standard topic; write arn:aws:sns:REGION:ACCOUNT:NAME")
    return text


def parse_document_address(text: str) -> str:
    """Parse the address of a document on AWS. Raises `ValueError`."""
    if _PARAMETER.fullmatch(text) is None and _OBJECT.fullmatch(text) is None:
        raise ValueError("is not an address of a document; write ssm:NAME or s3://BUCKET/KEY")
    return text


def parse_base_url(text: str) -> str:
    """Parse the URL that stands before the keys of objects. Raises `ValueError`."""
    if _BASE_URL.fullmatch(text) is None:
        raise ValueError("is not a base URL; write https://HOST or https://HOST/PATH, without a query")
    return text


def is_on_aws(policy: str) -> bool:
    """Return whether a policy is an address on AWS instead of a file."""
    return policy.startswith(("ssm:", "s3:"))


def is_key(text: str) -> bool:
    """Return whether a text has the format of a Pinecone key."""
    return _KEY.match(text) is not None
