"""`audit --registry`: what is wrong with one project keeps none of the others from being audited."""

from pathlib import Path

import pytest

from backup_auditor_simulator import Server
from commanded import Done, access, command
from simulated import NOW

MOMENT = NOW.isoformat()


def audit(server: Server, folder: Path, *entries: str, **variables: str) -> Done:
    """Audit a registry of these entries."""
    path = folder / "registry.yaml"
    path.write_text("version: 1\nprojects:\n" + "".join(f"- {it}\n" for it in entries))
    return command("audit", "--now", MOMENT, "--registry", path, env=access(server, KEY=server.viewer_key, **variables))


@pytest.mark.parametrize(
    "entry,words",
    [
        pytest.param("{name: b, key_env: KEY, polcy: p}", ":4: unknown key", id="unknown-key"),
        pytest.param("{name: b}", ":4: the project", id="no-key"),
        pytest.param("{name: a, key_env: KEY}", "entry 2: ", id="name-twice"),
        pytest.param("{name: b, key_env: KEY, policy: missing.yaml}", "there is no such file", id="no-policy"),
        pytest.param("{name: b, key_env: KEY, policy: wrong.yaml}", "wrong.yaml:1: ", id="wrong-policy"),
        pytest.param("{name: b, key_env: ABSENT}", "b: ABSENT is not set", id="absent-variable"),
    ],
)
def test_a_mistake_in_one_project_leaves_the_others(entry: str, words: str, healthy: Server, tmp_path: Path) -> None:
    """The mistake is told in one line, the others have their reports, and the worst code counts."""
    (tmp_path / "wrong.yaml").write_text("rulez: []")
    done = audit(healthy, tmp_path, "{name: a, key_env: KEY}", entry, "{name: c, key_env: KEY}")
    assert done.code == 2
    assert done.err.count("\n") == 1
    assert words in done.err
    assert [it.split(":")[1] for it in done.out.splitlines() if it.startswith("COMPLIANT: ")] == [" a", " c"]


@pytest.mark.parametrize(
    "entry,words",
    [
        pytest.param("{name: b, secret: s/b}", "the secret s/b: it cannot be fetched", id="secret"),
        pytest.param("{name: b, key_env: KEY, policy: 'ssm:b'}", "ssm:b: it cannot be fetched", id="parameter"),
        pytest.param("{name: b, key_env: KEY, policy: 's3://bucket/b'}", "s3://bucket/b: it cannot be", id="object"),
    ],
)
def test_what_aws_does_not_give_is_told(entry: str, words: str, healthy: Server, tmp_path: Path) -> None:
    """Without credentials, what the registry leaves to AWS ends in one line that names it and the remedy."""
    nothing = {"AWS_DEFAULT_REGION": "eu-central-1", "AWS_EC2_METADATA_DISABLED": "true"}
    done = audit(healthy, tmp_path, "{name: a, key_env: KEY}", entry, **nothing)
    assert done.code == 2
    assert (done.err.count("\n"), words in done.err, "look at region, credentials" in done.err) == (1, True, True)
    assert done.out.startswith("COMPLIANT: a: ")
