"""What the table holds beside memories, and what is said of a table that cannot be used."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from backup_auditor.adapters.dynamodb.head import HEAD_VERSION
from backup_auditor.adapters.dynamodb.state_store import DynamoState
from backup_auditor.domain.audit_record import AuditRecord, StoredReport
from backup_auditor.domain.finding import Compliance
from backup_auditor.domain.outbox import OutboxMessage, Trigger
from backup_auditor.domain.project_state import EMPTY_STATE, ProjectState
from backup_auditor.errors import StateError
from backup_auditor.ports.stores import LastAudits
from support.builders.audit_sequence import Nights
from support.builders.facts import DAY, HOUR, NOW, backup, index, inventory
from support.fakes.stores import PROJECT, recorded, stored
from support.faults.aws_clients import Strike, raising, refusal, struck, twice, unanswered, unreachable

FIRST = ProjectState(revision=1, audit_id="first", observed_at=NOW, complete_at=NOW)
KEPT = StoredReport("s3://reports/default/report.json", "5f" * 32)
AUDIT = AuditRecord("first", NOW, is_complete=True, compliance=Compliance.COMPLIANT, report=KEPT)
MESSAGE = OutboxMessage("1", PROJECT, "first", NOW, "sns:topic", Trigger.CHANGE, KEPT, None)
LEASE = timedelta(minutes=15)


def a_night() -> ProjectState:
    """Return what is remembered after a night, in several chunks."""
    nights = Nights()
    nights.audited(inventory(index(backups=[backup(DAY)])))
    return nights.memory


def expiries(table: Any) -> list[int]:
    """Return when DynamoDB may delete items, for those that it may."""
    return [int(it["expires_at"]["N"]) for it in table.items if "expires_at" in it]


def test_the_record_of_an_audit_is_kept_as_long_as_it_is_said(table: Any) -> None:
    """For ever, where nothing is; what is remembered never expires."""
    recorded(table.store, EMPTY_STATE, FIRST, audit=AUDIT)
    assert expiries(table) == []
    keeping = DynamoState(table.client, table.name, retention=timedelta(days=400))
    recorded(keeping, FIRST, replace(FIRST, revision=2, audit_id="second"), audit=replace(AUDIT, audit_id="second"))
    assert expiries(table) == [int((NOW + timedelta(days=400)).timestamp())]


def test_it_is_kept_for_a_while_that_a_message_was_accepted(table: Any) -> None:
    """With the audit that caused it, the channel, and the moment."""
    recorded(table.store, EMPTY_STATE, FIRST, messages=(MESSAGE,))
    table.outbox.mark_sent(MESSAGE, NOW + HOUR)
    (kept,) = [it for it in table.items if it["SK"]["S"].startswith("sent#")]
    assert kept["SK"]["S"] == "sent#2026-11-22T12:00:00.000000Z#sns:topic"
    assert kept["sent_at"]["S"] == "2026-11-22T13:00:00.000000Z"
    assert expiries(table) == [int((NOW + HOUR + timedelta(days=90)).timestamp())]


def test_the_last_audits_are_known_without_loading_anything(table: Any) -> None:
    """An incomplete one leaves the last complete one where it was."""
    assert table.store.find_last_audits(PROJECT) == LastAudits(None, None)
    recorded(table.store, EMPTY_STATE, replace(FIRST, complete_at=None))
    assert table.store.find_last_audits(PROJECT) == LastAudits(NOW, None)
    second = replace(FIRST, revision=2, audit_id="second")
    recorded(table.store, FIRST, second)
    recorded(table.store, second, replace(second, revision=3, audit_id="third", observed_at=NOW + DAY))
    with struck(table.client, Strike(lambda: None, 99)) as calls:
        assert table.store.find_last_audits(PROJECT) == LastAudits(NOW + DAY, NOW)
    assert calls.calls == 1


def test_a_project_is_registered_since_it_was_first_asked_for(table: Any) -> None:
    """Whoever asks later hears the same; each project has its own moment."""
    assert table.store.ensure_registered(PROJECT, NOW) == NOW
    with twice(table.client):
        assert table.store.ensure_registered(PROJECT, NOW + DAY) == NOW
    assert table.store.ensure_registered("other", NOW + DAY) == NOW + DAY


def test_what_a_newer_version_wrote_is_left_alone(table: Any) -> None:
    """It is neither judged by nor written over."""
    recorded(table.store, EMPTY_STATE, FIRST)
    key = {"PK": {"S": f"project#{PROJECT}"}, "SK": {"S": "head"}}
    version = {":newer": {"N": str(HEAD_VERSION + 1)}}
    table.client.update_item(
        TableName=table.name, Key=key, UpdateExpression="SET version = :newer", ExpressionAttributeValues=version
    )
    before = table.items
    said = rf"default: a newer backup-auditor wrote this state \(version {HEAD_VERSION + 1}\); update this one"
    with pytest.raises(StateError, match=said):
        table.store.load(PROJECT)
    with pytest.raises(StateError, match=said):
        recorded(table.store, FIRST, replace(FIRST, revision=2, audit_id="second"))
    assert table.items == before


def _without_a_chunk(table: Any) -> None:
    key = {"PK": {"S": f"project#{PROJECT}"}, "SK": {"S": min(table.chunks)}}
    table.client.delete_item(TableName=table.name, Key=key)


def _with(table: Any, sort: str, attribute: str, value: dict[str, Any]) -> None:
    key = {"PK": {"S": f"project#{PROJECT}"}, "SK": {"S": sort}}
    values = {":value": value}
    names = {"#name": attribute}
    table.client.update_item(
        TableName=table.name,
        Key=key,
        UpdateExpression="SET #name = :value",
        ExpressionAttributeNames=names,
        ExpressionAttributeValues=values,
    )


@pytest.mark.parametrize(
    "harm",
    [
        pytest.param(_without_a_chunk, id="a-chunk-is-missing"),
        pytest.param(lambda it: _with(it, min(it.chunks), "rows", {"B": b"nonsense"}), id="a-chunk-is-nonsense"),
        pytest.param(lambda it: _with(it, min(it.chunks), "rows", {"S": "text"}), id="a-chunk-is-text"),
        pytest.param(lambda it: _with(it, "head", "chunks", {"B": b""}), id="the-head-lists-nothing"),
        pytest.param(lambda it: _with(it, "head", "observed_at", {"S": "yesterday"}), id="no-moment"),
    ],
)
def test_a_state_that_is_damaged_is_refused_and_left_as_it_is(table: Any, harm: Any) -> None:
    """In one line that says what to do."""
    recorded(table.store, EMPTY_STATE, a_night())
    harm(table)
    before = table.items
    with pytest.raises(StateError, match=rf"the state in the table {table.name} is damaged") as caught:
        table.store.load(PROJECT)
    assert str(caught.value).endswith("restore it to a point in time, or begin anew with another table")
    assert "\n" not in str(caught.value)
    assert table.items == before


def test_more_channels_than_a_transaction_takes_are_refused_clearly(table: Any) -> None:
    """Nothing is recorded; 98 are possible."""
    messages = [replace(MESSAGE, message_id=f"{number}") for number in range(99)]
    with pytest.raises(StateError, match="default: 99 channels are to be told; name 98 at most"):
        recorded(table.store, EMPTY_STATE, FIRST, audit=AUDIT, messages=tuple(messages))
    assert table.store.load(PROJECT) == EMPTY_STATE
    recorded(table.store, EMPTY_STATE, FIRST, audit=AUDIT, messages=tuple(messages[:98]))
    assert len(table.outbox.list_pending(PROJECT, NOW)) == 98


@pytest.mark.parametrize(
    "error,said",
    [
        pytest.param(unreachable, "Could not connect to the endpoint URL", id="unreachable"),
        pytest.param(unanswered, "Read timeout on endpoint URL", id="unanswered"),
        pytest.param(
            lambda: refusal("ResourceNotFoundException"),
            "ResourceNotFoundException: no; look at its name, at the account and at the region",
            id="no-such-table",
        ),
        pytest.param(
            lambda: refusal("AccessDeniedException"), "AccessDeniedException: no; let the role use it", id="forbidden"
        ),
    ],
)
def test_a_table_that_cannot_be_used_is_an_error_of_one_line(table: Any, error: Any, said: str) -> None:
    """Whatever is asked of it; it names the table."""
    recorded(table.store, EMPTY_STATE, FIRST, messages=(MESSAGE,))
    asked: list[Callable[[], object]] = [
        lambda: table.store.load(PROJECT),
        lambda: recorded(table.store, FIRST, replace(FIRST, revision=2)),
        lambda: table.store.list_audits(PROJECT, NOW),
        lambda: table.store.find_last_audits(PROJECT),
        lambda: table.store.ensure_registered(PROJECT, NOW),
        lambda: table.outbox.list_pending(None, NOW),
        lambda: table.outbox.claim(MESSAGE, NOW, NOW + LEASE),
        lambda: table.outbox.mark_sent(MESSAGE, NOW),
        lambda: table.outbox.mark_failed(MESSAGE, "why", NOW),
        lambda: table.outbox.load_progress(MESSAGE),
        lambda: table.outbox.record_progress(MESSAGE, "0-9"),
    ]
    with struck(table.client, Strike(raising(error), 0, until_end=True)):
        for ask in asked:
            with pytest.raises(StateError, match=rf"^the table {table.name} cannot be used: ") as caught:
                ask()
            assert said in str(caught.value)
            assert "\n" not in str(caught.value)


def test_what_was_only_done_in_part_is_done_to_the_end(table: Any) -> None:
    """Batches that are throttled are asked for again, for what is left of them."""
    left = Counter[str]()
    kept: list[Any] = []

    def in_part(params: dict[str, Any], model: Any, **_: object) -> None:
        wanted = params["RequestItems"][table.name]
        is_read = model.name == "BatchGetItem"
        whole = [*(wanted["Keys"] if is_read else wanted)]
        half, rest = whole[: -(-len(whole) // 2)], whole[-(-len(whole) // 2) :]
        left[model.name] += len(rest)
        kept.append(rest)
        params["RequestItems"] = {table.name: {"Keys": half} if is_read else half}

    def told(parsed: dict[str, Any], model: Any, **_: object) -> None:
        if rest := kept.pop():
            is_read = model.name == "BatchGetItem"
            name = "UnprocessedKeys" if is_read else "UnprocessedItems"
            parsed[name] = {table.name: {"Keys": rest} if is_read else rest}

    hooks: dict[str, Any] = {
        f"{event}.dynamodb.{operation}": hook
        for event, hook in (("provide-client-params", in_part), ("after-call", told))
        for operation in ("BatchGetItem", "BatchWriteItem")
    }
    for event, hook in hooks.items():
        table.client.meta.events.register(event, hook)
    try:
        assert stored(table.store, EMPTY_STATE, a_night()) == a_night()
    finally:
        for event, hook in hooks.items():
            table.client.meta.events.unregister(event, hook)
    assert left["BatchGetItem"] > 0
    assert left["BatchWriteItem"] > 0


def test_what_is_throttled_to_the_end_is_an_error(table: Any) -> None:
    """Reading and writing alike."""
    recorded(table.store, EMPTY_STATE, a_night())

    def none_read(parsed: dict[str, Any], **_: object) -> None:
        parsed["Responses"] = {}
        parsed["UnprocessedKeys"] = {table.name: {"Keys": [{"PK": {"S": "a"}, "SK": {"S": "b"}}]}}

    table.client.meta.events.register("after-call.dynamodb.BatchGetItem", none_read)
    try:
        with pytest.raises(StateError, match="cannot be read: it is throttled to the end; try again later"):
            table.store.load(PROJECT)
    finally:
        table.client.meta.events.unregister("after-call.dynamodb.BatchGetItem", none_read)


def test_a_claim_whose_answer_was_lost_is_one_s_own(table: Any) -> None:
    """The client asked twice; the second time it was told that somebody has it: oneself."""
    recorded(table.store, EMPTY_STATE, FIRST, messages=(MESSAGE,))
    with twice(table.client):
        claim = table.outbox.claim(MESSAGE, NOW, NOW + LEASE)
        assert claim is not None
        assert (claim.attempts, claim.is_possible_duplicate) == (1, False)


def test_letting_go_and_putting_away_may_be_asked_for_twice(table: Any) -> None:
    """Each counts once."""
    recorded(table.store, EMPTY_STATE, FIRST, messages=(MESSAGE,))
    outbox = table.outbox
    outbox.claim(MESSAGE, NOW, NOW + LEASE)
    with twice(table.client):
        assert outbox.mark_failed(MESSAGE, "throttled", NOW) == 1
    claim = outbox.claim(MESSAGE, NOW, NOW + LEASE)
    assert (claim.attempts, claim.is_possible_duplicate) == (2, False)
    with twice(table.client):
        outbox.mark_sent(MESSAGE, NOW)
    assert outbox.list_pending(None, NOW + DAY) == []


def test_whoever_lost_a_message_to_another_does_not_let_it_go(table: Any) -> None:
    """The other's claim stands."""
    recorded(table.store, EMPTY_STATE, FIRST, messages=(MESSAGE,))
    slow, quick = table.outbox, table.outbox
    slow.claim(MESSAGE, NOW, NOW + LEASE)
    quick.claim(MESSAGE, NOW + LEASE, NOW + 2 * LEASE)
    assert slow.mark_failed(MESSAGE, "no answer", NOW) == 2
    assert quick.list_pending(None, NOW + LEASE) == []
