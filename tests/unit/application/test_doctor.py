"""Test the checks of a machine: which fail, and which are skipped because another failed."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from backup_auditor.adapters.policy_file import load_built_in_policy
from backup_auditor.application.doctor import MAX_CLOCK_DIFFERENCE, ProjectSetup, StateFile, check_local_setup
from backup_auditor.domain.checkup import CheckStatus
from backup_auditor.domain.listing import ListingRead, ReadFailure
from backup_auditor.domain.model import Index, Schedule
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.project_state import EMPTY_STATE
from backup_auditor.domain.registry import EntryError, Registry
from backup_auditor.domain.timefmt import CLOCK_TOLERANCE
from backup_auditor.errors import (
    BadKeyError,
    ForbiddenError,
    MalformedResponseError,
    NotFoundError,
    OrganizationPlanError,
    PolicyError,
    RegistryError,
    SettingsError,
    StateError,
    ThrottledError,
    UnavailableError,
    UnreachableError,
    UnsupportedError,
    UntrustedHostError,
)
from support.builders.facts import NOW, SECOND, build_schedule


@dataclass
class FakeReader:
    """A reader with given answers; an answer that is an error is raised."""

    indexes: Any = field(default_factory=lambda: ListingRead((Index("orders"),)))
    backups: Any = field(default_factory=lambda: ListingRead(()))
    schedules: Any = field(default_factory=lambda: ListingRead((build_schedule(project_id="project-1"),)))
    service_time: datetime | None = NOW
    max_concurrency: int = 1
    seconds_left: float = 60.0
    requests: int = 0
    throttles: int = 0

    def read_indexes(self) -> Any:
        """Return the indexes."""
        return give(self.indexes)

    def read_backups(self, _on_page: object = None) -> Any:
        """Return the backups."""
        return give(self.backups)

    def read_schedules(self, _index: str) -> Any:
        """Return the schedules of any index."""
        return give(self.schedules)

    def read_own_backups(self, _index: str) -> Any:
        """Fail: no check needs them."""
        raise AssertionError

    def read_history(self, _schedule_id: str) -> Any:
        """Fail: no check needs it."""
        raise AssertionError


def give(value: Any) -> Any:
    """Return a value, or raise it if it is an error."""
    if isinstance(value, Exception):
        raise value
    return value


@dataclass
class FakeSetup:
    """A machine on which everything works, unless a part is replaced by an error."""

    host: str = "https://api.pinecone.io"
    is_encrypted: bool = True
    api_version: str = "2026-07"
    variables: Any = None
    policy: Any = field(default_factory=load_built_in_policy)
    registry: Any = None
    store: Any = "the operating system's certificate store"
    proxy: Any = None
    keys: Sequence[Any] = ("key-of-one",)
    reader: FakeReader = field(default_factory=FakeReader)
    readers: Sequence[FakeReader] = ()
    """The reader of each project; without any they share one."""
    state: Any = field(default_factory=lambda: StateFile("/state", None, is_writable=True))
    own_policy: Any = None
    registered_id: str | None = None

    def describe_runtime(self) -> str:
        """Return the versions."""
        return "Python 3.13"

    def check_variables(self) -> None:
        """Check the variables."""
        give(self.variables)

    def load_policy(self) -> Policy:
        """Return the policy."""
        policy: Policy = give(self.policy)
        return policy

    def load_registry(self) -> Registry | None:
        """Return the registry."""
        registry: Registry | None = give(self.registry)
        return registry

    def list_projects(self, _registry: Registry | None) -> Sequence[ProjectSetup]:
        """Return a project for each key."""
        return [self._make_project(number, key) for number, key in enumerate(self.keys, start=1)]

    def describe_store(self) -> str:
        """Return the store."""
        return str(give(self.store))

    def find_proxy(self) -> str | None:
        """Return the proxy."""
        proxy: str | None = give(self.proxy)
        return proxy

    def now(self) -> datetime:
        """Return the time of the tests."""
        return NOW

    def _make_project(self, number: int, key: Any) -> ProjectSetup:
        @contextmanager
        def open_reader(_key: str) -> Iterator[FakeReader]:
            yield self.readers[number - 1] if self.readers else self.reader

        return ProjectSetup(
            f"project-{number}",
            f"the variable KEY_{number}",
            lambda: str(give(key)),
            lambda: give(self.own_policy),
            open_reader,
            lambda error: f"explained: {error}; correct it",
            lambda: give(self.state),
            self.registered_id,
        )


def find_statuses(setup: FakeSetup) -> dict[str, CheckStatus]:
    """Return the status of each check, by its name."""
    checks = check_local_setup(setup)
    assert all((it.status is CheckStatus.FAIL) == (it.remedy is not None) for it in checks)
    return {it.name: it.status for it in checks}


def find_names(setup: FakeSetup, status: CheckStatus) -> set[str]:
    """Return the names of the checks with a status."""
    return {name for name, it in find_statuses(setup).items() if it is status}


@pytest.mark.parametrize(
    "registered_id,schedules,status",
    [
        pytest.param("project-1", [build_schedule(project_id="project-1")], CheckStatus.PASS, id="the-same"),
        pytest.param("project-2", [build_schedule(project_id="project-1")], CheckStatus.FAIL, id="another"),
        pytest.param("project-2", [], CheckStatus.PASS, id="unknown"),
    ],
)
def test_a_key_must_be_of_the_project_that_the_entry_names(
    registered_id: str, schedules: list[Schedule], status: CheckStatus
) -> None:
    """The remedy names the id of the entry and the place of the key."""
    setup = FakeSetup(registered_id=registered_id)
    setup.reader.schedules = ListingRead(tuple(schedules))
    (check,) = (it for it in check_local_setup(setup) if it.name == "key")
    assert check.status is status
    if status is CheckStatus.FAIL:
        assert check.remedy == ("store a key of project-2 in the variable KEY_1, or correct project_id of the entry")


ALWAYS_SKIPPED = {"registry", "proxy", "role"}


def test_a_machine_that_works_fails_nothing() -> None:
    """Only what does not apply is skipped, and the role that Pinecone does not report."""
    assert find_names(FakeSetup(), CheckStatus.FAIL) == set()
    assert find_names(FakeSetup(), CheckStatus.SKIPPED) == ALWAYS_SKIPPED


@pytest.mark.parametrize(
    "changes, failed, skipped",
    [
        pytest.param(
            {"variables": SettingsError("X is wrong; set it")}, "settings", {"host", "clock", "key"}, id="variable"
        ),
        pytest.param({"policy": PolicyError("backup-auditor.yaml:3: unknown key")}, "policy", set(), id="policy"),
        pytest.param({"own_policy": PolicyError("p.yaml:3: wrong")}, "policy of project-1", set(), id="own-policy"),
        pytest.param(
            {"store": SettingsError("no store; install it")}, "certificates", {"host", "clock", "key"}, id="store"
        ),
        pytest.param({"proxy": SettingsError("SOCKS; use HTTP")}, "proxy", {"host", "clock", "key"}, id="proxy"),
        pytest.param({"keys": [SettingsError("KEY is not set; set it")]}, "key", {"host", "clock"}, id="no-key"),
        pytest.param({"state": StateError("/state: damaged; move it away")}, "state", set(), id="damaged-state"),
        pytest.param({"state": StateFile("/state", None, is_writable=False)}, "state", set(), id="read-only-state"),
        pytest.param({"state": SettingsError("no home; set it")}, "state", set(), id="no-place-for-the-state"),
    ],
)
def test_one_fault_fails_one_check(changes: dict[str, Any], failed: str, skipped: set[str]) -> None:
    """A fault fails its own check; checks that need it are skipped, and all others are made."""
    setup = FakeSetup(**changes)
    assert find_names(setup, CheckStatus.FAIL) == {failed}
    assert find_names(setup, CheckStatus.SKIPPED) - ALWAYS_SKIPPED >= skipped
    if failed != "state":
        assert find_statuses(setup)["state"] is CheckStatus.PASS


@pytest.mark.parametrize(
    "error, failed",
    [
        pytest.param(BadKeyError("401"), "key", id="bad-key"),
        pytest.param(ForbiddenError("403"), "key", id="forbidden"),
        pytest.param(NotFoundError("404"), "host", id="not-found"),
        pytest.param(MalformedResponseError("not JSON"), "host", id="another-service"),
        pytest.param(UnreachableError("refused; check the network"), "host", id="unreachable"),
        pytest.param(UnavailableError("503"), "host", id="unavailable"),
        pytest.param(ThrottledError("429"), "host", id="throttled"),
        pytest.param(UntrustedHostError("not trusted; set SSL_CERT_FILE"), "certificates", id="untrusted"),
    ],
)
def test_an_error_of_the_first_call_fails_the_check_of_its_cause(error: Exception, failed: str) -> None:
    """Key, host and certificates fail separately; what is unknown after the error does not pass."""
    setup = FakeSetup(reader=FakeReader(indexes=error))
    statuses = find_statuses(setup)
    assert {name for name, it in statuses.items() if it is CheckStatus.FAIL} == {failed}
    assert statuses["permissions"] is CheckStatus.SKIPPED
    if failed != "key":
        assert statuses["key"] is CheckStatus.SKIPPED


@pytest.mark.parametrize("sign", [1, -1], ids=["ahead", "behind"])
@pytest.mark.parametrize(
    "difference, status",
    [
        pytest.param(MAX_CLOCK_DIFFERENCE, CheckStatus.PASS, id="at-limit"),
        pytest.param(MAX_CLOCK_DIFFERENCE + SECOND, CheckStatus.FAIL, id="one-second-past"),
    ],
)
def test_the_clock_must_agree_with_the_service(difference: timedelta, status: CheckStatus, sign: int) -> None:
    """The clock may differ by five minutes, in both directions, whether or not the key is accepted."""
    reader = FakeReader(service_time=NOW + sign * difference)
    assert find_statuses(FakeSetup(reader=reader))["clock"] is status
    refused = replace(reader, indexes=BadKeyError("401"))
    assert find_statuses(FakeSetup(reader=refused))["clock"] is status


def test_without_a_date_the_clock_is_unknown() -> None:
    """A response without a valid date is no proof that the clock is right."""
    assert find_statuses(FakeSetup(reader=FakeReader(service_time=None)))["clock"] is CheckStatus.SKIPPED


@pytest.mark.parametrize(
    "changes, status",
    [
        pytest.param({"backups": ListingRead((), ReadFailure("GET /backups", "403"))}, CheckStatus.FAIL, id="backups"),
        pytest.param({"schedules": ListingRead((), ReadFailure("GET /x", "403"))}, CheckStatus.FAIL, id="schedules"),
        pytest.param({"schedules": OrganizationPlanError("403: plan")}, CheckStatus.PASS, id="plan-without-schedules"),
        pytest.param({"schedules": NotFoundError("404")}, CheckStatus.FAIL, id="no-index-is-found"),
        pytest.param({"schedules": UnsupportedError("400")}, CheckStatus.PASS, id="index-without-backups"),
        pytest.param({"indexes": ListingRead(())}, CheckStatus.PASS, id="empty-project"),
    ],
)
def test_the_key_must_read_every_listing(changes: dict[str, Any], status: CheckStatus) -> None:
    """A listing that the key may not read fails; a plan without schedules is not a fault of the setup."""
    assert find_statuses(FakeSetup(reader=FakeReader(**changes)))["permissions"] is status


@pytest.mark.parametrize(
    "changes, detail",
    [
        pytest.param({}, "the key reads 1 index, 0 backups and schedules", id="schedules"),
        pytest.param({"indexes": ListingRead(())}, "the key reads 0 indexes, 0 backups", id="empty-project"),
        pytest.param(
            {"schedules": UnsupportedError("400")}, "the key reads 1 index, 0 backups", id="index-without-backups"
        ),
    ],
)
def test_only_what_was_read_is_called_readable(changes: dict[str, Any], detail: str) -> None:
    """Schedules are named only if those of an index were read."""
    checks = check_local_setup(FakeSetup(reader=FakeReader(**changes)))
    assert [it.detail for it in checks if it.name == "permissions"] == [detail]


@pytest.mark.parametrize(
    "fields, status",
    [
        pytest.param({}, CheckStatus.PASS, id="no-audit"),
        pytest.param({"pinecone_project_id": "project-1"}, CheckStatus.PASS, id="same-project"),
        pytest.param({"pinecone_project_id": "project-2"}, CheckStatus.FAIL, id="another-project"),
        pytest.param({"observed_at": NOW + CLOCK_TOLERANCE}, CheckStatus.PASS, id="at-limit"),
        pytest.param({"observed_at": NOW + CLOCK_TOLERANCE + SECOND}, CheckStatus.FAIL, id="one-second-past"),
    ],
)
def test_a_state_must_be_of_the_project_and_not_of_the_future(fields: dict[str, Any], status: CheckStatus) -> None:
    """A state of another Pinecone project, or with an audit in the future, fails."""
    setup = FakeSetup(state=StateFile("/state", replace(EMPTY_STATE, **fields), is_writable=True))
    assert find_statuses(setup)["state"] is status


def test_projects_of_a_registry_are_checked_one_by_one() -> None:
    """A key that is missing fails for its project, and the others are still checked."""
    keys = ("key-of-one", SettingsError("KEY_2 is not set; set it"))
    statuses = find_statuses(FakeSetup(registry=Registry(()), keys=keys))
    assert (statuses["key of project-1"], statuses["key of project-2"]) == (CheckStatus.PASS, CheckStatus.FAIL)
    assert statuses["host"] is CheckStatus.PASS


def test_entries_that_open_one_project_fail() -> None:
    """One key in two entries fails, with the whole reason in the detail and the whole remedy."""
    setup = FakeSetup(registry=Registry(()), keys=("one-key", "one-key"))
    (check,) = (it for it in check_local_setup(setup) if it.name == "keys")
    assert check.status is CheckStatus.FAIL
    assert check.detail == (
        'Registry entries "project-1" and "project-2" open the same Pinecone project (project-1, their keys are the'
        " same), so another project is not audited"
    )
    assert check.remedy == "give each entry a key of its own project."


@pytest.mark.parametrize(
    "keys, schedules, status",
    [
        pytest.param(("k1", "k2"), None, CheckStatus.PASS, id="all-ids-known"),
        pytest.param(("k1", "k2"), ListingRead(()), CheckStatus.SKIPPED, id="no-schedule"),
        pytest.param(("k1", SettingsError("no key; set it")), None, CheckStatus.SKIPPED, id="one-key-missing"),
        pytest.param((SettingsError("a; b"), SettingsError("a; b")), None, CheckStatus.SKIPPED, id="no-key"),
        pytest.param(("k1", "k1"), ListingRead(()), CheckStatus.FAIL, id="one-key-twice"),
        pytest.param(
            ("k1", "k2"), ListingRead((build_schedule(project_id="id"),)), CheckStatus.FAIL, id="two-keys-of-one-id"
        ),
    ],
)
def test_projects_are_called_different_only_by_their_ids(
    keys: Sequence[Any], schedules: Any, status: CheckStatus
) -> None:
    """Keys that differ can open one Pinecone project: without the id of each the check is skipped."""
    readers = [FakeReader(), FakeReader()]
    for number, reader in enumerate(readers, start=1):
        reader.schedules = schedules or ListingRead((build_schedule(project_id=f"id-{number}"),))
    setup = FakeSetup(registry=Registry(()), keys=keys, readers=readers)
    assert find_statuses(setup)["keys"] is status


@pytest.mark.parametrize(
    "registry",
    [
        pytest.param(RegistryError("registry.yaml:2: wrong"), id="unreadable"),
        pytest.param(Registry((), (EntryError("a", 2, "has no key; add it"),)), id="invalid-entry"),
    ],
)
def test_an_invalid_registry_fails(registry: object) -> None:
    """No project is known, so nothing is called, and what needs a project is skipped because of the registry."""
    checks = {it.name: it for it in check_local_setup(FakeSetup(registry=registry))}
    assert [name for name, it in checks.items() if it.status is CheckStatus.FAIL] == ["registry"]
    for name in ("host", "clock", "key", "permissions", "role", "state"):
        assert (checks[name].status, checks[name].detail) == (CheckStatus.SKIPPED, "the check registry failed")


def test_plain_http_uses_no_certificates() -> None:
    """The check of certificates does not apply to this machine."""
    setup = FakeSetup(host="http://127.0.0.1:1", is_encrypted=False)
    assert find_statuses(setup)["certificates"] is CheckStatus.SKIPPED
