"""Makes docs/configuration.md: every variable of the environment, as the settings know it."""

from backup_auditor.settings.pinecone import VARIABLES

_HEAD = """\
<!-- Made by `make docs` from the settings; changes belong there. -->

# Configuration

What an audit requires stands in the [policy](policy.md); where it looks, and with which key, in the environment:

| variable | default | meaning |
|---|---|---|
"""

_TAIL = """
A variable that is empty counts as absent. A value that cannot be used, or a name that begins with `BACKUP_AUDITOR_` and
means nothing, ends the command with exit code 2 and one line that names the variable and the remedy; a key is never
repeated.

Proxies and certificates are those of the system: `HTTPS_PROXY`, `NO_PROXY`, `SSL_CERT_FILE` and `SSL_CERT_DIR` hold,
but loopback is never asked through a proxy. `COLUMNS` says how wide a table is where no terminal does.

With `--registry FILE` each project names the variable that holds its own key; the other variables hold for all:

```yaml
version: 1
projects:
  - {name: search, key_env: SEARCH_API_KEY}
  - {name: support, key_env: SUPPORT_API_KEY, policy: support.yaml}
```

A project's `policy` is looked for beside the registry; without one it has the policy that a single audit would have.
"""


def render() -> str:
    """Return the whole document."""
    rows = (f"| `{it.name}` | {f'`{it.default}`' if it.default else 'none'} | {it.meaning} |\n" for it in VARIABLES)
    return _HEAD + "".join(rows) + _TAIL
