"""How projects, secrets, topics and documents may be called: each reader returns a text, or says what it is not.

What is refused as a secret's name is never repeated: it may be the secret itself.
"""

import re

from backup_auditor.domain.text import escape_control_characters

PROJECT_NAME_PATTERN = r"[^\s/\\.](?:[^/\\]{0,98}[^\s/\\])?"
VARIABLE_PATTERN = r"[A-Za-z_][A-Za-z0-9_]*"
SECRET_NAME_PATTERN = r"(?:arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:)?[A-Za-z0-9/_+=.@-]{1,512}"  # noqa: S105  a pattern
TOPIC_ARN_PATTERN = r"arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}"
_KEY = re.compile(r"pcsk_|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)  # today's shape, and the older
MIN_KEY_LENGTH = 8
"""Far below any key of Pinecone. What is shorter is no key, and would be taken out of words that hold it by chance."""
_PARAMETER = re.compile(r"ssm:[A-Za-z0-9_./-]{1,1011}")
_OBJECT = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/[^\x00-\x1f\x7f]{1,1024}")


def parse_project_name(text: str) -> str:
    """Read the name of a project, which stands in reports and in names of files. Raises `ValueError`."""
    if re.fullmatch(PROJECT_NAME_PATTERN, text) is None or escape_control_characters(text) != text:
        raise ValueError(
            "is no name for a project: use 1 to 100 characters, no controls or slashes, and no dot or blank in front"
        )
    return text


def parse_key_variable(text: str) -> str:
    """Read the name of the variable that holds a key. Raises `ValueError`."""
    if re.fullmatch(VARIABLE_PATTERN, text) is None or is_key(text):
        raise ValueError("is no name of a variable; name the variable that holds the key")
    return text


def parse_key(text: str) -> str:
    """Read a key, which goes into a header. Raises `ValueError`, which does not repeat it."""
    if not (text.isascii() and text.isprintable()) or set(text) & set(" \"'"):
        raise ValueError("holds characters that no key has; copy the key again, without blanks or quotes")
    if len(text) < MIN_KEY_LENGTH:
        raise ValueError("is too short for a key; copy the whole key")
    return text


def parse_secret_name(text: str) -> str:
    """Read the name or the ARN of a secret. Raises `ValueError`."""
    if is_key(text) or "://" in text:
        raise ValueError("looks like the secret itself; keep that in Secrets Manager and write the secret's name here")
    if re.fullmatch(SECRET_NAME_PATTERN, text) is None:
        raise ValueError("is no name of a secret; write its name in Secrets Manager, or its ARN")
    return text


def parse_topic_arn(text: str) -> str:
    """Read the ARN of a topic. Raises `ValueError`."""
    if re.fullmatch(TOPIC_ARN_PATTERN, text) is None:
        raise ValueError("is no ARN of a standard topic; write arn:aws:sns:REGION:ACCOUNT:NAME")
    return text


def parse_document_address(text: str) -> str:
    """Read the address of a document on AWS. Raises `ValueError`."""
    if _PARAMETER.fullmatch(text) is None and _OBJECT.fullmatch(text) is None:
        raise ValueError("is no address of a document; write ssm:NAME or s3://BUCKET/KEY")
    return text


def is_on_aws(policy: str) -> bool:
    """Tell whether a policy is meant to be fetched, rather than to be a file."""
    return policy.startswith(("ssm:", "s3:"))


def is_key(text: str) -> bool:
    """Tell whether a text has the shape of a Pinecone key."""
    return _KEY.match(text) is not None
