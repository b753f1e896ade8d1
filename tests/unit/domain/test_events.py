"""Test the requests of the functions: which payloads are accepted, and the complete messages of the others."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from backup_auditor.domain.events import (
    RemediationRequest,
    read_audit_request,
    read_delivery_request,
    read_dispatch_request,
    read_remediation_request,
)
from backup_auditor.errors import RequestError

KEY = "pcsk" + "_" + "x" * 20
LONG_TYPE = "x" * 300


def build_event(detail: Any, **envelope: Any) -> dict[str, Any]:
    """Build the event of a completed audit as the bus delivers it."""
    defaults = {"id": "event-1", "source": "backup-auditor", "detail-type": "Backup Audit Completed"}
    return {**defaults, "account": "111122223333", "detail": detail, **envelope}


def build_audit_event(detail: Any, **envelope: Any) -> dict[str, Any]:
    """Build the event that requests an audit."""
    return build_event(detail, **{"detail-type": "Backup Audit Requested", **envelope})


def read_dispatch(payload: object) -> object:
    """Parse the request of a dispatch with the id of its invocation."""
    return read_dispatch_request(payload, "invocation-1")


@pytest.mark.parametrize(
    "payload, expected_request",
    [
        pytest.param({"project": "search"}, RemediationRequest("search"), id="project"),
        pytest.param(
            {"project": "search", "plan": "5c0f"}, RemediationRequest("search", plan_id="5c0f"), id="earlier-plan"
        ),
        pytest.param({"project": "search", "plan": None}, RemediationRequest("search"), id="plan-of-null"),
        pytest.param(
            build_event({"project": "search", "audit_id": "audit-1", "compliance": "COMPLIANT"}),
            RemediationRequest("search", request_id="audit-1"),
            id="event-with-an-audit-id",
        ),
        pytest.param(
            build_event({"project": "search"}),
            RemediationRequest("search", request_id="event-1"),
            id="event-without-an-audit-id",
        ),
        pytest.param({"project": "x" * 4000}, RemediationRequest("x" * 4000), id="longest-name"),
    ],
)
def test_a_remediation_request_names_its_project(payload: object, expected_request: RemediationRequest) -> None:
    """A remediation request has one project, and an event has a request id that repeated deliveries share."""
    assert read_remediation_request(payload) == expected_request


@pytest.mark.parametrize(
    "payload, message",
    [
        pytest.param(
            ["search"],
            'the payload is not a JSON object; examples: {"project": "search"}'
            ' or {"project": "search", "plan": "5c0f…"}',
            id="list",
        ),
        pytest.param({}, 'the payload names no project; example: {"project": "search"}', id="no-project"),
        pytest.param(
            {"project": "search", "dry_run": True},
            "the payload has unknown fields 'dry_run'; known fields: project, plan",
            id="unknown-field",
        ),
        pytest.param(
            {"project": " "}, "project must be a text of 1 to 4000 characters; correct or remove it", id="blank-project"
        ),
        pytest.param(
            {"project": "x" * 4001},
            "project must be a text of 1 to 4000 characters; correct or remove it",
            id="one-character-past-the-limit",
        ),
        pytest.param(
            {"project": "search", "plan": 5},
            "plan must be a text of 1 to 1000 characters; correct or remove it",
            id="plan-of-a-number",
        ),
        pytest.param(
            {"project": KEY},
            "project is a Pinecone key; write the name of the project, and replace this key: it has been disclosed",
            id="key",
        ),
        pytest.param(
            build_event({"project": "search"}, source="aws.s3"),
            "the event ('aws.s3', 'Backup Audit Completed') does not request a remediation;"
            " expected: ('backup-auditor', 'Backup Audit Completed')",
            id="event-of-another-source",
        ),
        pytest.param(
            build_event({}), 'the event\'s detail names no project; example: {"project": "search"}', id="empty-detail"
        ),
        pytest.param(
            build_event(None), 'the event\'s detail names no project; example: {"project": "search"}', id="no-detail"
        ),
        pytest.param(
            build_event({"project": "search"}, id=None),
            "the event has neither audit_id nor id, so a repeated delivery would act twice; add one of them",
            id="no-request-id",
        ),
    ],
)
def test_an_invalid_remediation_request_is_refused(payload: object, message: str) -> None:
    """The message of a refused remediation request says what is wrong, where, and what to do."""
    with pytest.raises(RequestError) as error_info:
        read_remediation_request(payload)
    assert str(error_info.value) == message


@pytest.mark.parametrize(
    "payload, message",
    [
        pytest.param(
            build_audit_event({"project": "search"}),
            "the event ('backup-auditor', 'Backup Audit Requested') does not request a delivery;"
            " expected: ('backup-auditor', 'Backup Audit Completed')",
            id="event-of-another-type",
        ),
        pytest.param(
            build_event({}), 'the event\'s detail names no project; example: {"project": "search"}', id="empty-detail"
        ),
        pytest.param(
            {"project": None}, 'the payload names no project; example: {"project": "search"}', id="project-of-null"
        ),
    ],
)
def test_an_invalid_delivery_request_is_refused(payload: object, message: str) -> None:
    """The message of a refused delivery request says whether the event or the payload is wrong."""
    with pytest.raises(RequestError) as error_info:
        read_delivery_request(payload)
    assert str(error_info.value) == message


@pytest.mark.parametrize(
    "payload, message",
    [
        pytest.param(None, 'the payload is not a JSON object; example: {"project": "search"}', id="null"),
        pytest.param(
            {"request_id": "1"},
            "the payload has unknown fields 'request_id'; known fields: project, reason",
            id="unknown-field",
        ),
        pytest.param(
            build_event({"project": "search"}),
            "the event ('backup-auditor', 'Backup Audit Completed') does not request an audit;"
            " expected: ('backup-auditor', 'Backup Audit Requested')",
            id="event-of-another-type",
        ),
        pytest.param(
            build_audit_event(None), 'the event has no detail; example: {"project": "search"}', id="no-detail"
        ),
        pytest.param(
            build_audit_event({}),
            "the event names no project; add one, or send the event to dispatch, which requests an audit of each",
            id="no-project",
        ),
        pytest.param(
            build_audit_event({"project": "search"}, id=None),
            "the event has neither request_id nor id, so a repeated delivery would audit twice; add one of them",
            id="no-request-id",
        ),
    ],
)
def test_an_invalid_audit_request_is_refused(payload: object, message: str) -> None:
    """The message of a refused audit request says what is wrong, where, and what to do."""
    with pytest.raises(RequestError) as error_info:
        read_audit_request(payload)
    assert str(error_info.value) == message


@pytest.mark.parametrize(
    "payload, message",
    [
        pytest.param(None, "the payload is not a JSON object; {} requests an audit of every project", id="null"),
        pytest.param(
            build_event({}),
            "the event ('backup-auditor', 'Backup Audit Completed') does not request an audit;"
            " expected: ('backup-auditor', 'Backup Audit Requested')",
            id="event-of-another-type",
        ),
        pytest.param(
            build_audit_event(None), "the event has no detail; {} requests an audit of every project", id="no-detail"
        ),
        pytest.param(
            build_audit_event({"project": "search"}),
            "the event names a project; send it to audit instead of dispatch",
            id="event-of-one-project",
        ),
        pytest.param(
            build_audit_event({"request_id": "x" * 501}),
            "request_id must be a text of 1 to 500 characters; correct or remove it",
            id="request-id-one-character-past-the-limit",
        ),
        pytest.param(
            build_audit_event({}, id="x" * 501),
            "id must be a text of 1 to 500 characters; correct or remove it",
            id="event-id-one-character-past-the-limit",
        ),
        pytest.param(
            build_audit_event({}, id=None),
            "the event has neither request_id nor id, so a repeated delivery would audit all twice; add one of them",
            id="no-request-id",
        ),
    ],
)
def test_an_invalid_dispatch_request_is_refused(payload: object, message: str) -> None:
    """The message of a refused dispatch request says what is wrong, where, and what to do."""
    with pytest.raises(RequestError) as error_info:
        read_dispatch(payload)
    assert str(error_info.value) == message


@pytest.mark.parametrize(
    "reader",
    [
        pytest.param(read_audit_request, id="audit"),
        pytest.param(read_delivery_request, id="delivery"),
        pytest.param(read_dispatch, id="dispatch"),
        pytest.param(read_remediation_request, id="remediation"),
    ],
)
def test_a_message_shows_200_characters_of_the_type_of_an_event(reader: Callable[[object], object]) -> None:
    """The source and the type of a refused event are cut to 200 characters."""
    with pytest.raises(RequestError) as error_info:
        reader(build_event({"project": "search"}, **{"detail-type": LONG_TYPE}))
    start = str(error_info.value).split(" does not request ")[0].removeprefix("the event ")
    assert start == str(("backup-auditor", LONG_TYPE))[:200]


@pytest.mark.parametrize(
    "fields, shown_fields",
    [
        pytest.param({"b": 1, "a": 2, "project": 3}, "'a', 'b'", id="sorted"),
        pytest.param(dict.fromkeys("fedcba"), "'a', 'b', 'c', 'd', 'e'", id="sixth-is-left-out"),
        pytest.param({"x" * 81: 1}, repr("x" * 80), id="long-name-is-cut"),
    ],
)
def test_a_message_names_five_unknown_fields(fields: Mapping[object, object], shown_fields: str) -> None:
    """The message about unknown fields names at most 5 of them, each with at most 80 characters."""
    with pytest.raises(RequestError) as error_info:
        read_audit_request(fields)
    assert str(error_info.value) == f"the payload has unknown fields {shown_fields}; known fields: project, reason"
