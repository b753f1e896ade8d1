"""Test that every remediation log records each attempt before it starts, and starts it once."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from backup_auditor.adapters.dynamodb.items import Item, encode_attempt
from backup_auditor.adapters.dynamodb.remediation_log import DynamoRemediationLog
from backup_auditor.adapters.dynamodb.state_store import DynamoState
from backup_auditor.adapters.records import EARLIER_KINDS, decode_plan, encode_plan
from backup_auditor.adapters.sqlite.remediation_log import open_remediation_log
from backup_auditor.adapters.sqlite.state_store import open_state
from backup_auditor.domain.lifecycle.state_change import diff_states
from backup_auditor.domain.model import Frequency, ScheduleSettings
from backup_auditor.domain.policy import Mode
from backup_auditor.domain.project_state import EMPTY_STATE, ProjectState
from backup_auditor.domain.remediation.plan import (
    UNSETTLED_STATES,
    ActionKind,
    ActionRecord,
    ActionState,
    CreateBackup,
    CreateSchedule,
    RemediationPlan,
    SkippedAction,
    UpdateSchedule,
)
from backup_auditor.errors import StateError
from backup_auditor.ports.stores import RemediationLog, StateStore
from support.aws.dynamodb import list_items, open_table
from support.builders.facts import DAY, NOW, SECOND

type OpenLog = Callable[[], AbstractContextManager[RemediationLog]]

ACTIONS = (
    CreateSchedule("orders", "auditor", Frequency.DAILY, 7 * DAY, 8, "It has no schedule."),
    UpdateSchedule(
        "carts",
        "s-1",
        "own",
        ScheduleSettings(enabled=True),
        ScheduleSettings(False, Frequency.WEEKLY, DAY),
        3,
        "Paused.",
    ),
    CreateBackup("orders", "auditor-first-20261122", "It has no recovery point."),
)
PLAN = RemediationPlan(
    project="default",
    policy_sha256="5f" * 32,
    created_at=NOW,
    create_schedules=Mode.APPLY,
    fix_schedules=Mode.PROPOSE,
    actions=ACTIONS,
    skipped_actions=(SkippedAction("logs", ActionKind.CREATE_SCHEDULE, "It is not ready."),),
    slots_before=3,
    slots_after=15,
    quota=None,
)
STARTED_RECORD = ActionRecord(
    project="default",
    key=ACTIONS[0].key,
    attempt=1,
    plan_id=PLAN.plan_id,
    actor="user@first-host",
    started_at=NOW,
    call=str(ACTIONS[0].call),
    before={"s-9": {"enabled": False}},
)
DONE_RECORD = replace(
    STARTED_RECORD,
    state=ActionState.DONE,
    detail="Verified.",
    target_id="s-2",
    after={"enabled": True},
    ended_at=NOW + DAY,
)


@contextmanager
def open_sqlite() -> Iterator[RemediationLog]:
    """Create a file for one test."""
    with TemporaryDirectory() as folder, open_remediation_log(Path(folder) / "state") as log:
        yield log


@contextmanager
def open_dynamodb() -> Iterator[RemediationLog]:
    """Create a table for one test."""
    with open_table() as (client, table):
        yield DynamoRemediationLog(client, table)


every_log = pytest.mark.parametrize(
    "open_log", [pytest.param(it, id=it.__name__) for it in (open_sqlite, open_dynamodb)]
)


def test_a_plan_of_the_first_version_is_read_with_its_id() -> None:
    """A plan of the first version keeps the id that its attempts name, and has the kinds of this version."""
    text = encode_plan(PLAN)
    for kind, earlier in EARLIER_KINDS.items():
        text = text.replace(f'"{kind}"', f'"{earlier}"')
    assert "_" not in {it["kind"] for it in json.loads(text)["actions"]}.pop()
    plan = decode_plan(text, "0" * 16)
    assert (plan, plan.plan_id) == (PLAN, "0" * 16)


@every_log
def test_a_plan_is_loaded_as_it_was_stored(open_log: OpenLog) -> None:
    """A plan is loaded by its project and id; a later plan of the same id replaces it."""
    with open_log() as log:
        assert log.load_plan("default", PLAN.plan_id) is None
        log.store_plan(PLAN)
        assert log.load_plan("default", PLAN.plan_id) == PLAN
        assert log.load_plan("other", PLAN.plan_id) is None
        log.store_plan(replace(PLAN, created_at=NOW + SECOND))
        assert log.load_plan("default", PLAN.plan_id) == replace(PLAN, created_at=NOW + SECOND)


@every_log
def test_an_action_is_recorded_before_and_after(open_log: OpenLog) -> None:
    """An attempt is recorded as started until its result is recorded."""
    with open_log() as log:
        assert log.find_last_attempt("default", STARTED_RECORD.key) is None
        assert log.record_start(STARTED_RECORD)
        assert log.find_last_attempt("default", STARTED_RECORD.key) == STARTED_RECORD
        log.record_result(DONE_RECORD)
        assert log.find_last_attempt("default", STARTED_RECORD.key) == DONE_RECORD


@every_log
@pytest.mark.parametrize("state", ActionState)
def test_settling_does_not_replace_a_recorded_result(open_log: OpenLog, state: ActionState) -> None:
    """A result of the attempt's own process has priority over a settled one, in either order."""
    known_record = replace(DONE_RECORD, state=state)
    observed_record = replace(
        known_record, state=ActionState.FAILED, detail="It is not listed.", ended_at=NOW + 2 * DAY
    )
    with open_log() as log:
        assert log.record_start(STARTED_RECORD)
        log.record_result(known_record)
        log.settle_attempt(observed_record)
        assert log.find_last_attempt("default", STARTED_RECORD.key) == (
            observed_record if state in UNSETTLED_STATES else known_record
        )
        log.record_result(DONE_RECORD)
        assert log.find_last_attempt("default", STARTED_RECORD.key) == DONE_RECORD
        log.settle_attempt(replace(observed_record, attempt=2))
        assert [*log.list_plan_attempts("default", PLAN.plan_id)] == [DONE_RECORD]


@every_log
def test_settling_records_all_fields(open_log: OpenLog) -> None:
    """A settled attempt has the created id and the settings that were read."""
    with open_log() as log:
        assert log.record_start(STARTED_RECORD)
        log.settle_attempt(DONE_RECORD)
        assert log.find_last_attempt("default", STARTED_RECORD.key) == DONE_RECORD


@every_log
def test_unsettled_attempts_are_listed(open_log: OpenLog) -> None:
    """A log lists the unsettled attempts of one project in all its plans, the oldest first."""
    unknown_record = replace(STARTED_RECORD, key=ACTIONS[1].key, plan_id="another", started_at=NOW - SECOND)
    with open_log() as log:
        for record in (
            STARTED_RECORD,
            replace(DONE_RECORD, key=ACTIONS[2].key),
            unknown_record,
            replace(STARTED_RECORD, project="other"),
        ):
            assert log.record_start(record)
        log.record_result(replace(unknown_record, state=ActionState.UNKNOWN))
        assert [*log.list_unsettled("default")] == [replace(unknown_record, state=ActionState.UNKNOWN), STARTED_RECORD]
        log.record_result(DONE_RECORD)
        assert [*log.list_unsettled("unregistered")] == []
        assert [it.key for it in log.list_unsettled("default")] == [unknown_record.key]


@every_log
def test_every_attempt_is_listed(open_log: OpenLog) -> None:
    """A log lists the attempts of a project with any plan and any state, the oldest first."""
    earlier_record = replace(DONE_RECORD, key=ACTIONS[1].key, plan_id="another", started_at=NOW - SECOND)
    with open_log() as log:
        for record in (
            STARTED_RECORD,
            earlier_record,
            replace(STARTED_RECORD, project="other"),
            replace(STARTED_RECORD, attempt=2),
        ):
            assert log.record_start(record)
        assert [*log.list_attempts("default")] == [earlier_record, STARTED_RECORD, replace(STARTED_RECORD, attempt=2)]
        assert [*log.list_attempts("unregistered")] == []


@every_log
def test_only_one_process_starts_an_attempt(open_log: OpenLog) -> None:
    """A second process leaves an attempt unchanged, whether it is started or done."""
    with open_log() as log:
        assert log.record_start(STARTED_RECORD)
        assert not log.record_start(replace(STARTED_RECORD, actor="user@second-host"))
        log.record_result(DONE_RECORD)
        assert not log.record_start(STARTED_RECORD)
        assert log.find_last_attempt("default", STARTED_RECORD.key) == DONE_RECORD


@every_log
def test_the_latest_attempt_has_the_highest_number(open_log: OpenLog) -> None:
    """The latest attempt of an action is found in any plan, and keys or projects with the same prefix do not match."""
    ninth_record, tenth_record = replace(DONE_RECORD, attempt=9), replace(STARTED_RECORD, attempt=10, plan_id="another")
    with open_log() as log:
        for record in (
            tenth_record,
            ninth_record,
            replace(STARTED_RECORD, attempt=11, key=f"{STARTED_RECORD.key}-2"),
            replace(DONE_RECORD, project="default#1"),
        ):
            assert log.record_start(record)
        assert log.find_last_attempt("default", STARTED_RECORD.key) == tenth_record
        assert log.find_last_attempt("default#1", STARTED_RECORD.key) == replace(DONE_RECORD, project="default#1")
        assert log.find_last_attempt("defaul", STARTED_RECORD.key) is None


@every_log
def test_the_attempts_of_a_plan_are_listed(open_log: OpenLog) -> None:
    """A log lists every attempt of a plan, the oldest first."""
    later_record = replace(STARTED_RECORD, key=ACTIONS[1].key, started_at=NOW + SECOND)
    with open_log() as log:
        for record in (later_record, STARTED_RECORD, replace(STARTED_RECORD, key=ACTIONS[2].key, plan_id="another")):
            assert log.record_start(record)
        assert [*log.list_plan_attempts("default", PLAN.plan_id)] == [STARTED_RECORD, later_record]
        assert [*log.list_plan_attempts("other", PLAN.plan_id)] == []


def test_applied_attempts_are_unpublished_until_they_are_marked() -> None:
    """The unpublished attempts of a project are its applied ones, the oldest first."""
    states = {
        it: replace(DONE_RECORD, key=it, state=it, started_at=NOW - n * SECOND) for n, it in enumerate(ActionState)
    }
    with open_table() as (client, table):
        log = DynamoRemediationLog(client, table)
        for record in (*states.values(), replace(DONE_RECORD, project="other")):
            assert log.record_start(record)
        assert log.list_unpublished("default") == [states[ActionState.VERIFICATION_FAILED], states[ActionState.DONE]]
        log.mark_published(states[ActionState.VERIFICATION_FAILED], NOW)
        assert log.list_unpublished("default") == [states[ActionState.DONE]]
        assert (
            log.find_last_attempt("default", ActionState.VERIFICATION_FAILED) == states[ActionState.VERIFICATION_FAILED]
        )
        assert log.list_unpublished("other") == [replace(DONE_RECORD, project="other")]


def test_an_attempt_that_changed_after_its_event_is_unpublished() -> None:
    """A late result of the attempt's own process replaces a settled one and requires another event."""
    later_record = replace(DONE_RECORD, state=ActionState.VERIFICATION_FAILED, ended_at=NOW + 2 * DAY)
    with open_table() as (client, table):
        log = DynamoRemediationLog(client, table)
        for known_record in (DONE_RECORD, later_record):
            log.record_result(later_record)
            log.mark_published(known_record, NOW)
            assert log.list_unpublished("default") == ([] if known_record == later_record else [later_record])
        log.record_result(DONE_RECORD)
        assert log.list_unpublished("default") == [DONE_RECORD]


def test_plans_expire_and_attempts_do_not() -> None:
    """A plan in the table expires after 30 days; its attempts never expire."""
    with open_table() as (client, table):
        log = DynamoRemediationLog(client, table)
        log.store_plan(PLAN)
        log.record_start(STARTED_RECORD)
        expiries = {it["SK"]["S"]: it.get("expires_at", {}).get("N") for it in list_items(client, table)}
    assert expiries == {
        f"plan#{PLAN.plan_id}": str(int((NOW + 30 * DAY).timestamp())),
        "action#create schedule/orders#000000001": None,
    }


def test_a_large_plan_is_stored_without_its_skipped_actions(monkeypatch: pytest.MonkeyPatch) -> None:
    """A large plan keeps its actions, and a plan with too many actions is refused."""
    with open_table() as (client, table):
        log = DynamoRemediationLog(client, table)
        monkeypatch.setattr("backup_auditor.adapters.dynamodb.remediation_log._MAX_PLAN_BYTES", 600)
        skipped_actions = tuple(
            SkippedAction(f"index-{it * it}", ActionKind.CREATE_SCHEDULE, f"It is not {it}.") for it in range(500)
        )
        log.store_plan(replace(PLAN, skipped_actions=skipped_actions))
        assert log.load_plan("default", PLAN.plan_id) == replace(PLAN, skipped_actions=())
        monkeypatch.setattr("backup_auditor.adapters.dynamodb.remediation_log._MAX_PLAN_BYTES", 10)
        with pytest.raises(StateError, match="lower max_creations"):
            log.store_plan(PLAN)


def test_a_missing_table_is_reported() -> None:
    """A log that cannot be written raises an error before any action starts."""
    with open_table() as (client, _), pytest.raises(StateError, match="check its name"):
        DynamoRemediationLog(client, "missing").record_start(STARTED_RECORD)


def test_the_log_in_a_file_has_the_recorded_project_id() -> None:
    """The log in a file loads the project id that an audit recorded in the same file."""
    with TemporaryDirectory() as folder, open_remediation_log(Path(folder) / "state") as log:
        assert log.load_pinecone_project_id("default") is None
        with open_state(Path(folder) / "state") as store:
            record_project_id(store)
        assert (log.load_pinecone_project_id("default"), log.load_pinecone_project_id("other")) == ("ours", None)


def test_the_log_in_a_table_has_the_recorded_project_id() -> None:
    """The log in a table loads the project id that an audit recorded in the same table."""
    with open_table() as (client, table):
        log = DynamoRemediationLog(client, table)
        assert log.load_pinecone_project_id("default") is None
        record_project_id(DynamoState(client, table))
        assert (log.load_pinecone_project_id("default"), log.load_pinecone_project_id("other")) == ("ours", None)


def encode_as_first_version(item: Item) -> Item:
    """Return the item of an attempt as the first version stored it."""
    words = {"action": item["action"]["S"].replace("_", " ").replace("update", "change")}
    words["state"] = {"started": "intended", "verification_failed": "amiss"}.get(item["state"]["S"], item["state"]["S"])
    return item | {name: {"S": word} for name, word in words.items()}


@pytest.fixture
def earlier_log() -> Iterator[tuple[DynamoRemediationLog, DynamoState]]:
    """Create a table in which the first version recorded four attempts."""
    verified = replace(DONE_RECORD, state=ActionState.VERIFICATION_FAILED)
    with open_table() as (client, table):
        for record in (replace(STARTED_RECORD, key=ACTIONS[1].key), verified, FIRST_BACKUP_RECORD):
            client.put_item(TableName=table, Item=encode_as_first_version(encode_attempt(record)))
        yield DynamoRemediationLog(client, table), DynamoState(client, table)


def test_attempts_of_the_first_version_are_read_with_current_names(
    earlier_log: tuple[DynamoRemediationLog, DynamoState],
) -> None:
    """Every query finds the attempts that the first version stored in a table."""
    log, store = earlier_log
    verified, started = (
        replace(DONE_RECORD, state=ActionState.VERIFICATION_FAILED),
        replace(STARTED_RECORD, key=ACTIONS[1].key),
    )
    assert log.find_last_attempt("default", DONE_RECORD.key) == verified
    assert log.list_unsettled("default") == [started]
    assert log.list_unpublished("default") == [verified, FIRST_BACKUP_RECORD]
    record_project_id(store)
    assert store.load("default").first_backup_ids == {"backup-1"}


def test_attempts_of_the_first_version_are_settled_and_published_once(
    earlier_log: tuple[DynamoRemediationLog, DynamoState],
) -> None:
    """A record of this version replaces the item of the first version."""
    log, _ = earlier_log
    verified = replace(DONE_RECORD, state=ActionState.VERIFICATION_FAILED)
    settled = replace(STARTED_RECORD, key=ACTIONS[1].key, state=ActionState.FAILED, ended_at=NOW + DAY)
    for record in (verified, FIRST_BACKUP_RECORD):
        log.mark_published(record, NOW)
    log.settle_attempt(settled)
    assert log.list_unpublished("default") == []
    assert log.list_unsettled("default") == []
    assert log.list_attempts("default") == [verified, FIRST_BACKUP_RECORD, settled]
    assert not log.record_start(replace(STARTED_RECORD, state=ActionState.STARTED))


def record_project_id(store: StateStore) -> None:
    """Record an audit with Pinecone's id of the project."""
    recording = diff_states(
        EMPTY_STATE, ProjectState(revision=1, audit_id="first", observed_at=NOW, pinecone_project_id="ours")
    )
    assert recording is not None
    store.record("default", recording)


FIRST_BACKUP_RECORD = replace(
    STARTED_RECORD,
    key=ACTIONS[2].key,
    state=ActionState.DONE,
    target_id="backup-1",
    call=str(ACTIONS[2].call),
    ended_at=NOW,
)


def test_the_state_in_a_file_has_the_ids_of_first_backups(tmp_path: Path) -> None:
    """A state in a file has the ids of applied first backups only."""
    with open_state(tmp_path / "state") as store, open_remediation_log(tmp_path / "state") as log:
        assert record_first_backups(store, log) == {"backup-1"}


def test_the_state_in_a_table_has_the_ids_of_first_backups() -> None:
    """A state in a table has the ids of applied first backups only."""
    with open_table() as (client, table):
        assert record_first_backups(DynamoState(client, table), DynamoRemediationLog(client, table)) == {"backup-1"}


def record_first_backups(store: StateStore, log: RemediationLog) -> frozenset[str]:
    """Record an audit, a schedule and three first backups, one of them applied; return the ids in the state."""
    record_project_id(store)
    failed_record = replace(
        FIRST_BACKUP_RECORD, key=FIRST_BACKUP_RECORD.key + "-2", state=ActionState.FAILED, target_id=None
    )
    unknown_record = replace(
        FIRST_BACKUP_RECORD, key=FIRST_BACKUP_RECORD.key + "-3", state=ActionState.UNKNOWN, target_id="backup-3"
    )
    for record in (DONE_RECORD, FIRST_BACKUP_RECORD, failed_record, unknown_record):
        assert log.record_start(replace(record, state=ActionState.STARTED, target_id=None, ended_at=None))
        log.record_result(record)
    return store.load("default").first_backup_ids
