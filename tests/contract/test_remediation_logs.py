"""What every log of remediation must do, whatever it is made of: nothing is done unrecorded, or twice."""

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
from backup_auditor.domain.model import Frequency
from backup_auditor.domain.policy import Mode
from backup_auditor.domain.project_state import EMPTY_STATE, ProjectState
from backup_auditor.domain.remediation.actions import (
    ActionKind,
    CreateBackup,
    CreateSchedule,
    ScheduleSettings,
    UpdateSchedule,
)
from backup_auditor.domain.remediation.plan import (
    UNSETTLED_STATES,
    ActionRecord,
    ActionState,
    RemediationPlan,
    SkippedAction,
)
from backup_auditor.errors import StateError
from backup_auditor.ports.stores import RemediationLog, StateStore
from support.aws.dynamodb import a_table, items_of
from support.builders.facts import DAY, NOW, SECOND

type Opening = Callable[[], AbstractContextManager[RemediationLog]]

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
RECORD = ActionRecord(
    project="default",
    key=ACTIONS[0].key,
    attempt=1,
    plan_id=PLAN.plan_id,
    actor="somebody@here",
    started_at=NOW,
    call=str(ACTIONS[0].call),
    before={"s-9": {"enabled": False}},
)
DONE = replace(
    RECORD, state=ActionState.DONE, detail="Well.", target_id="s-2", after={"enabled": True}, ended_at=NOW + DAY
)


@contextmanager
def sqlite() -> Iterator[RemediationLog]:
    """Make a file of its own."""
    with TemporaryDirectory() as place, open_remediation_log(Path(place) / "state") as log:
        yield log


@contextmanager
def dynamodb() -> Iterator[RemediationLog]:
    """Make a table of its own."""
    with a_table() as (client, table):
        yield DynamoRemediationLog(client, table)


every_log = pytest.mark.parametrize("opening", [pytest.param(it, id=it.__name__) for it in (sqlite, dynamodb)])


def test_a_plan_of_the_first_version_is_read_with_its_id() -> None:
    """A plan of the first version keeps the id that its attempts name, and has the kinds of this version."""
    text = encode_plan(PLAN)
    for kind, earlier in EARLIER_KINDS.items():
        text = text.replace(f'"{kind}"', f'"{earlier}"')
    assert "_" not in {it["kind"] for it in json.loads(text)["actions"]}.pop()
    plan = decode_plan(text, "0" * 16)
    assert (plan, plan.plan_id) == (PLAN, "0" * 16)


@every_log
def test_a_plan_is_found_as_it_was_made(opening: Opening) -> None:
    """By its project and its id, whatever its actions are; one of the same id takes its place."""
    with opening() as log:
        assert log.load_plan("default", PLAN.plan_id) is None
        log.store_plan(PLAN)
        assert log.load_plan("default", PLAN.plan_id) == PLAN
        assert log.load_plan("other", PLAN.plan_id) is None
        log.store_plan(replace(PLAN, created_at=NOW + SECOND))
        assert log.load_plan("default", PLAN.plan_id) == replace(PLAN, created_at=NOW + SECOND)


@every_log
def test_an_action_is_recorded_before_and_after(opening: Opening) -> None:
    """What was intended stands there until it is known what came of it."""
    with opening() as log:
        assert log.find_last_attempt("default", RECORD.key) is None
        assert log.record_start(RECORD)
        assert log.find_last_attempt("default", RECORD.key) == RECORD
        log.record_result(DONE)
        assert log.find_last_attempt("default", RECORD.key) == DONE


@every_log
@pytest.mark.parametrize("state", ActionState)
def test_what_reading_shows_never_takes_the_place_of_what_is_known(opening: Opening, state: ActionState) -> None:
    """Who made the attempt knows better, whichever of them is the first to say so."""
    known = replace(DONE, state=state)
    shown = replace(known, state=ActionState.FAILED, detail="It does not show.", ended_at=NOW + 2 * DAY)
    with opening() as log:
        assert log.record_start(RECORD)
        log.record_result(known)
        log.settle_attempt(shown)
        assert log.find_last_attempt("default", RECORD.key) == (shown if state in UNSETTLED_STATES else known)
        log.record_result(DONE)
        assert log.find_last_attempt("default", RECORD.key) == DONE
        log.settle_attempt(replace(shown, attempt=2))
        assert [*log.list_plan_attempts("default", PLAN.plan_id)] == [DONE]


@every_log
def test_what_reading_shows_is_recorded_whole(opening: Opening) -> None:
    """With what was made and how it reads back."""
    with opening() as log:
        assert log.record_start(RECORD)
        log.settle_attempt(DONE)
        assert log.find_last_attempt("default", RECORD.key) == DONE


@every_log
def test_attempts_whose_outcome_is_open_are_found(opening: Opening) -> None:
    """Those of one project, of all its plans, the oldest first."""
    lost = replace(RECORD, key=ACTIONS[1].key, plan_id="another", started_at=NOW - SECOND)
    with opening() as log:
        for it in (RECORD, replace(DONE, key=ACTIONS[2].key), lost, replace(RECORD, project="other")):
            assert log.record_start(it)
        log.record_result(replace(lost, state=ActionState.UNKNOWN))
        assert [*log.list_unsettled("default")] == [replace(lost, state=ActionState.UNKNOWN), RECORD]
        log.record_result(DONE)
        assert [*log.list_unsettled("nobody")] == []
        assert [it.key for it in log.list_unsettled("default")] == [lost.key]


@every_log
def test_every_attempt_is_found(opening: Opening) -> None:
    """Whatever its plan and whatever came of it, the oldest first; none of another project."""
    earlier = replace(DONE, key=ACTIONS[1].key, plan_id="another", started_at=NOW - SECOND)
    with opening() as log:
        for it in (RECORD, earlier, replace(RECORD, project="other"), replace(RECORD, attempt=2)):
            assert log.record_start(it)
        assert [*log.list_attempts("default")] == [earlier, RECORD, replace(RECORD, attempt=2)]
        assert [*log.list_attempts("nobody")] == []


@every_log
def test_an_attempt_is_begun_by_one(opening: Opening) -> None:
    """Who is later leaves what stands there, whether it is under way or done."""
    with opening() as log:
        assert log.record_start(RECORD)
        assert not log.record_start(replace(RECORD, actor="another@there"))
        log.record_result(DONE)
        assert not log.record_start(RECORD)
        assert log.find_last_attempt("default", RECORD.key) == DONE


@every_log
def test_the_latest_attempt_is_the_last(opening: Opening) -> None:
    """By its number, of whatever plan, and never that of an action or a project whose name begins so."""
    ninth, tenth = replace(DONE, attempt=9), replace(RECORD, attempt=10, plan_id="another")
    with opening() as log:
        for it in (
            tenth,
            ninth,
            replace(RECORD, attempt=11, key=f"{RECORD.key}-2"),
            replace(DONE, project="default#1"),
        ):
            assert log.record_start(it)
        assert log.find_last_attempt("default", RECORD.key) == tenth
        assert log.find_last_attempt("default#1", RECORD.key) == replace(DONE, project="default#1")
        assert log.find_last_attempt("defaul", RECORD.key) is None


@every_log
def test_a_plan_tells_its_actions(opening: Opening) -> None:
    """Every attempt that was made for it, the oldest first."""
    later = replace(RECORD, key=ACTIONS[1].key, started_at=NOW + SECOND)
    with opening() as log:
        for it in (later, RECORD, replace(RECORD, key=ACTIONS[2].key, plan_id="another")):
            assert log.record_start(it)
        assert [*log.list_plan_attempts("default", PLAN.plan_id)] == [RECORD, later]
        assert [*log.list_plan_attempts("other", PLAN.plan_id)] == []


def test_what_was_written_is_to_be_told_until_it_is() -> None:
    """Of one project, the oldest first; what nobody knows, or was never written, is nothing to tell of."""
    states = {it: replace(DONE, key=it, state=it, started_at=NOW - n * SECOND) for n, it in enumerate(ActionState)}
    with a_table() as (client, table):
        log = DynamoRemediationLog(client, table)
        for it in (*states.values(), replace(DONE, project="other")):
            assert log.record_start(it)
        assert log.list_unpublished("default") == [states[ActionState.VERIFICATION_FAILED], states[ActionState.DONE]]
        log.mark_published(states[ActionState.VERIFICATION_FAILED], NOW)
        assert log.list_unpublished("default") == [states[ActionState.DONE]]
        assert (
            log.find_last_attempt("default", ActionState.VERIFICATION_FAILED) == states[ActionState.VERIFICATION_FAILED]
        )
        assert log.list_unpublished("other") == [replace(DONE, project="other")]


def test_what_is_recorded_otherwise_by_now_is_still_to_be_told() -> None:
    """Whoever made the attempt knows better than who settled it by reading, and may come back late."""
    later = replace(DONE, state=ActionState.VERIFICATION_FAILED, ended_at=NOW + 2 * DAY)
    with a_table() as (client, table):
        log = DynamoRemediationLog(client, table)
        for known in (DONE, later):
            log.record_result(later)
            log.mark_published(known, NOW)
            assert log.list_unpublished("default") == ([] if known == later else [later])
        log.record_result(DONE)
        assert log.list_unpublished("default") == [DONE]


def test_plans_end_and_actions_are_kept() -> None:
    """In the table a plan may be deleted after 30 days; who changed what stays there."""
    with a_table() as (client, table):
        log = DynamoRemediationLog(client, table)
        log.store_plan(PLAN)
        log.record_start(RECORD)
        ends = {it["SK"]["S"]: it.get("expires_at", {}).get("N") for it in items_of(client, table)}
    assert ends == {
        f"plan#{PLAN.plan_id}": str(int((NOW + 30 * DAY).timestamp())),
        "action#create schedule/orders#000000001": None,
    }


def test_a_large_plan_is_kept_without_what_it_leaves_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """It can be carried out all the same; one whose actions are too many is refused in one line."""
    with a_table() as (client, table):
        log = DynamoRemediationLog(client, table)
        monkeypatch.setattr("backup_auditor.adapters.dynamodb.remediation_log._MAX_PLAN_BYTES", 600)
        many = tuple(
            SkippedAction(f"index-{it * it}", ActionKind.CREATE_SCHEDULE, f"It is not {it}.") for it in range(500)
        )
        log.store_plan(replace(PLAN, skipped_actions=many))
        assert log.load_plan("default", PLAN.plan_id) == replace(PLAN, skipped_actions=())
        monkeypatch.setattr("backup_auditor.adapters.dynamodb.remediation_log._MAX_PLAN_BYTES", 10)
        with pytest.raises(StateError, match="set max_creations to fewer"):
            log.store_plan(PLAN)


def test_a_table_that_is_gone_is_told_of() -> None:
    """A log that cannot be written says so before anything is done."""
    with a_table() as (client, _), pytest.raises(StateError, match="look at its name"):
        DynamoRemediationLog(client, "gone").record_start(RECORD)


def test_the_project_that_an_audit_recorded_in_a_file_is_known() -> None:
    """The state and the log of remediation are one file."""
    with TemporaryDirectory() as place, open_remediation_log(Path(place) / "state") as log:
        assert log.load_pinecone_project_id("default") is None
        with open_state(Path(place) / "state") as store:
            record_project(store)
        assert (log.load_pinecone_project_id("default"), log.load_pinecone_project_id("other")) == ("ours", None)


def test_the_project_that_an_audit_recorded_in_a_table_is_known() -> None:
    """The state and the log of remediation are one table."""
    with a_table() as (client, table):
        log = DynamoRemediationLog(client, table)
        assert log.load_pinecone_project_id("default") is None
        record_project(DynamoState(client, table))
        assert (log.load_pinecone_project_id("default"), log.load_pinecone_project_id("other")) == ("ours", None)


def to_earlier_words(item: Item) -> Item:
    """Return the item of an attempt as the first version stored it."""
    words = {"action": item["action"]["S"].replace("_", " ").replace("update", "change")}
    words["state"] = {"started": "intended", "verification_failed": "amiss"}.get(item["state"]["S"], item["state"]["S"])
    return item | {name: {"S": word} for name, word in words.items()}


@pytest.fixture
def earlier_log() -> Iterator[tuple[DynamoRemediationLog, DynamoState]]:
    """Make a table in which the first version recorded four attempts."""
    verified = replace(DONE, state=ActionState.VERIFICATION_FAILED)
    with a_table() as (client, table):
        for record in (replace(RECORD, key=ACTIONS[1].key), verified, FIRST):
            client.put_item(TableName=table, Item=to_earlier_words(encode_attempt(record)))
        yield DynamoRemediationLog(client, table), DynamoState(client, table)


def test_attempts_of_the_first_version_are_read_with_the_words_of_this_one(
    earlier_log: tuple[DynamoRemediationLog, DynamoState],
) -> None:
    """A table keeps the attempts of the first version, and every query finds them."""
    log, store = earlier_log
    verified, started = replace(DONE, state=ActionState.VERIFICATION_FAILED), replace(RECORD, key=ACTIONS[1].key)
    assert log.find_last_attempt("default", DONE.key) == verified
    assert log.list_unsettled("default") == [started]
    assert log.list_unpublished("default") == [verified, FIRST]
    record_project(store)
    assert store.load("default").first_backup_ids == {"backup-1"}


def test_attempts_of_the_first_version_are_settled_and_published_once(
    earlier_log: tuple[DynamoRemediationLog, DynamoState],
) -> None:
    """An attempt that this version records takes the place of the item of the first version."""
    log, _ = earlier_log
    verified = replace(DONE, state=ActionState.VERIFICATION_FAILED)
    settled = replace(RECORD, key=ACTIONS[1].key, state=ActionState.FAILED, ended_at=NOW + DAY)
    for record in (verified, FIRST):
        log.mark_published(record, NOW)
    log.settle_attempt(settled)
    assert log.list_unpublished("default") == []
    assert log.list_unsettled("default") == []
    assert log.list_attempts("default") == [verified, FIRST, settled]
    assert not log.record_start(replace(RECORD, state=ActionState.STARTED))


def record_project(store: StateStore) -> None:
    """Record an audit that knew Pinecone's id of the project."""
    recording = diff_states(
        EMPTY_STATE, ProjectState(revision=1, audit_id="first", observed_at=NOW, pinecone_project_id="ours")
    )
    assert recording is not None
    store.record("default", recording)


FIRST = replace(
    RECORD, key=ACTIONS[2].key, state=ActionState.DONE, target_id="backup-1", call=str(ACTIONS[2].call), ended_at=NOW
)


def test_an_audit_knows_the_first_backups_of_a_file(tmp_path: Path) -> None:
    """Only what was written counts, and no schedule does."""
    with open_state(tmp_path / "state") as store, open_remediation_log(tmp_path / "state") as log:
        assert first_backups(store, log) == {"backup-1"}


def test_an_audit_knows_the_first_backups_of_a_table() -> None:
    """Only what was written counts, and no schedule does."""
    with a_table() as (client, table):
        assert first_backups(DynamoState(client, table), DynamoRemediationLog(client, table)) == {"backup-1"}


def first_backups(store: StateStore, log: RemediationLog) -> frozenset[str]:
    """Record an audit, a schedule, and first backups of which one was written; return what an audit knows."""
    record_project(store)
    failed = replace(FIRST, key=FIRST.key + "-2", state=ActionState.FAILED, target_id=None)
    unknown = replace(FIRST, key=FIRST.key + "-3", state=ActionState.UNKNOWN, target_id="backup-3")
    for record in (DONE, FIRST, failed, unknown):
        assert log.record_start(replace(record, state=ActionState.STARTED, target_id=None, ended_at=None))
        log.record_result(record)
    return store.load("default").first_backup_ids
