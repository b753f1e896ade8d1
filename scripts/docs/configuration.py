"""Makes docs/reference/configuration.md: every variable of the environment, as the settings know it."""

from collections.abc import Iterable

from backup_auditor.settings import pinecone, variables
from backup_auditor.settings.variables import Variable

_HEAD = """\
<!-- Made by `make docs` from the settings; changes belong there. -->

# Configuration

What an audit requires stands in the [policy](policy.md); where it looks, and with which key, in the environment:

"""

_VALUES = """
A variable that is empty counts as absent. A value that cannot be used, or a name that begins with `BACKUP_AUDITOR_` and
means nothing, ends the command with exit code 2 and one line that names the variable and the remedy; a key is never
repeated.

TLS trusts the operating system's certificate store: on macOS the keychain, elsewhere the bundle of the system
([why](../development/decisions/0019-tls-trusts-the-system-certificate-store.md)).
A private CA is added there, or named by `SSL_CERT_FILE`. This holds for Pinecone, Slack and the address of
`PING_URL_SECRET`; the calls of AWS go by `AWS_CA_BUNDLE`, as in every program that uses boto3. Every error on the way
names the host, and the proxy if there is one, without its password. A call that changes nothing is sent again after
408, 429, every 5xx but 501 and 505, and a connection that broke off. `COLUMNS` says how wide a table is where no
terminal does.
"""

_REGISTRY = """
## Many projects: the registry

```yaml
version: 1
projects:
  - name: search                                  # what reports call it
    secret: backup-auditor/search                 # on AWS: the secret that holds its key, by name or ARN
    key_env: SEARCH_API_KEY                       # on a laptop: the variable that holds its key
    editor_secret: backup-auditor-editor/search   # on AWS: the secret with a key that may write, for remediation alone
    policy: ssm:/backup-auditor/policies/search   # or s3://BUCKET/KEY; on a laptop a file beside the registry, too
    alerts:                                       # on AWS: where what is told
      - {sns: "arn:aws:sns:eu-central-1:111122223333:backup-auditor-search", severity: medium}
      - {slack: backup-auditor/slack-search, severity: high, all_is_well: weekly}
  - {name: support, secret: backup-auditor/support, key_env: SUPPORT_API_KEY}
```

One file for both places: `backup-auditor audit --registry FILE` reads it on a laptop, and the functions fetch it from
SSM or S3. A parameter holds 4 KB, some thirty projects; a list that is longer belongs in S3.

- `secret` holds the key as it is, or as JSON: `{"PINECONE_API_KEY": "…"}`. On a laptop it is used where there is no
  `key_env`, with the credentials and the region that boto3 finds (`pip install 'backup-auditor[aws]'`).
- `editor_secret` holds a key with editor rights in the same way. Only the function `remediate` reads it, where there
  is one; without it a project is audited and not put right. Its name begins as the stack's `EditorNamePrefix` says.
- Without `policy`, a project has the one that a single audit would have: on AWS the stack's.
- `alerts` routes by severity: each channel hears of what is at least as severe as it says, or of everything where it
  does not say. `slack` names the secret that holds the webhook. Without `alerts` a project has the channels of the
  stack; with an empty list it has none. `all_is_well` is the stack's unless it is said here.

A mistake in one entry keeps that project from being audited, visibly, and no other: on a laptop with a line on standard
error and exit code 2 in the end, on AWS by an audit that fails. A mistake in the list itself, such as one without
`version: 1`, keeps all. `backup-auditor registry validate FILE` says every mistake and its line before it counts, and
warns of entries that share a variable or a secret: a key belongs to one project, so one of theirs is not audited;
`backup-auditor registry schema` prints a JSON Schema for editors.
"""

_FUNCTIONS = """
## On AWS

The template sets these from its parameters. With `REGISTRY`, `PROJECT_NAME` and `API_KEY_SECRET` do not count; the
policy and the channels hold for the projects that name none of their own.

"""

_IN_ALL = """
`audit` and `remediate` read `PINECONE_CONTROLLER_HOST`, `PINECONE_API_VERSION`, `PINECONE_SCHEDULES_API_VERSION`,
`BACKUP_AUDITOR_MAX_CONCURRENCY` and `BACKUP_AUDITOR_DEADLINE`, too. Registry and policies are remembered for five
minutes, and read again at once when a project is not found or a policy does not hold; so are secrets, and a key that
Pinecone no longer accepts is read again at once: what is changed there needs no deployment.
"""


def render() -> str:
    """Return the whole document."""
    pieces = (
        _HEAD,
        _table(("variable", "default", "meaning"), map(_cells, pinecone.VARIABLES)),
        _VALUES,
        _REGISTRY,
        _FUNCTIONS,
        _table(
            ("variable", "default", "meaning", "read by"),
            ((*_cells(it), _readers(it)) for it in variables.VARIABLES),
        ),
        _IN_ALL,
    )
    return "".join(pieces)


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    names = tuple(head)
    lines = (names, ("---",) * len(names), *rows)
    return "".join(f"| {' | '.join(it)} |\n".replace("| --- ", "|---").replace("--- |", "---|") for it in lines)


def _cells(it: Variable) -> tuple[str, str, str]:
    return f"`{it.name}`", f"`{it.default}`" if it.default else "none", it.meaning


def _readers(it: Variable) -> str:
    return ", ".join(f"`{name}`" for name, read in variables.READ_BY.items() if it in read)
