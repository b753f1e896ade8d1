"""Digests compared with approved ones: `digests/` has a file for each kind of night."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import pytest

from backup_auditor.domain.finding import Compliance, Resource, ResourceType, Severity
from backup_auditor.domain.notifications.digest import Digest
from backup_auditor.domain.project_state import Drift
from backup_auditor.rendering.digest import build_report_link
from backup_auditor.rendering.slack import build_slack_payload
from backup_auditor.rendering.sns import build_publication
from support.builders.notifications import (
    SLACK_CHANNEL,
    SNS_CHANNEL,
    STORED_REPORT,
    build_alert_report,
    build_digest,
    build_open_finding,
    build_resolved_finding,
)
from support.builders.reports import EXEMPTION
from support.rendered_messages import check_approved, render_sections

LAST_FINDING = build_open_finding(
    control="recovery-points-outlast-horizon",
    severity=Severity.CRITICAL,
    reason="Its last recovery point expires on 2026-11-25 12:00 UTC, in 3 days, and nothing makes new ones.",
    remediation="Resume the schedule, or take a backup by hand.",
)
DELETED_INDEX = Resource(ResourceType.DELETED_INDEX, "search", "orders", "id-earlier")
PROJECT_RESOURCE = Resource(ResourceType.PROJECT, "search", "search", "project-1")
UNREAD_FINDING = build_open_finding(
    control="inventory-is-complete",
    resource=PROJECT_RESOURCE,
    reason="1 fact could not be read, first GET /backup-schedules/0/history: 503",
    remediation="Look at `read_errors` in the report of search.",
)
INSUFFICIENT_DATA = Compliance.INSUFFICIENT_DATA
CASES: Mapping[str, Digest] = {
    "one-finding-opened": build_digest(build_alert_report(LAST_FINDING)),
    "many-things-changed": build_digest(
        build_alert_report(
            LAST_FINDING,
            build_open_finding("carts", lifecycle="reopened", days=9),
            build_open_finding("users", lifecycle="ongoing", days=3),
            build_open_finding("pages", Severity.MEDIUM, "ongoing", days=2),
            build_open_finding("scratch-1", exemption=EXEMPTION, lifecycle=None),
            resolved=(
                build_resolved_finding("images", Severity.CRITICAL),
                build_resolved_finding("tags", reason="the index is gone"),
            ),
            drift=(Drift("policy changed", PROJECT_RESOURCE, "0", "1"),),
        )
    ),
    "a-reminder": build_digest(
        build_alert_report(
            build_open_finding("users", lifecycle="ongoing", days=3),
            build_open_finding("pages", Severity.LOW, "ongoing"),
        )
    ),
    "resolved": build_digest(build_alert_report(resolved=(build_resolved_finding(), build_resolved_finding("carts")))),
    "resolved-while-others-last": build_digest(
        build_alert_report(
            build_open_finding("carts", lifecycle="ongoing", days=4), resolved=(build_resolved_finding(),)
        )
    ),
    "incomplete": build_digest(
        build_alert_report(
            UNREAD_FINDING,
            build_open_finding("carts", Severity.CRITICAL, "ongoing", days=2, compliance=INSUFFICIENT_DATA),
            build_open_finding("users", lifecycle=None, compliance=INSUFFICIENT_DATA),
            failure_count=1,
        )
    ),
    "only-read-errors": build_digest(
        build_alert_report(
            UNREAD_FINDING, build_open_finding("users", lifecycle=None, compliance=INSUFFICIENT_DATA), failure_count=1
        )
    ),
    "all-is-well": build_digest(build_alert_report(), replace(SNS_CHANNEL, has_weekly_summary=True), previous_at=None),
    "all-is-well-above-low": build_digest(
        build_alert_report(build_open_finding(severity=Severity.LOW, lifecycle="ongoing", days=1)),
        replace(SNS_CHANNEL, has_weekly_summary=True, min_severity=Severity.HIGH),
        previous_at=None,
    ),
    "a-deleted-index": build_digest(
        build_alert_report(
            build_open_finding(resource=DELETED_INDEX, control="backups-have-live-source", severity=Severity.LOW)
        )
    ),
    "possible-duplicate": build_digest(build_alert_report(LAST_FINDING), SLACK_CHANNEL, is_possible_duplicate=True),
    "report-without-a-link": build_digest(build_alert_report(LAST_FINDING), SLACK_CHANNEL, build_link=lambda _: None),
    "linked-findings": build_digest(
        build_alert_report(
            build_open_finding(
                "users",
                control="schedule-is-enabled",
                reason="Schedule nightly is not enabled, so no new recovery points are made.",
                remediation="Find out why the schedules of users are paused. Then resume one with"
                ' PATCH /backup-schedules/s-1 and {"enabled": true}; this also takes a backup immediately.',
                remediation_values={"schedule_id": "s-1"},
            ),
            build_open_finding("pages", Severity.MEDIUM, "ongoing", days=2),
        ),
        SLACK_CHANNEL,
        build_link=partial(build_report_link, region="eu-central-1", base_url="https://reports.example.com"),
    ),
    "without-a-page": build_digest(
        build_alert_report(LAST_FINDING), SLACK_CHANNEL, stored_report=replace(STORED_REPORT, page=None)
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_digests_are_approved(case: str, request: pytest.FixtureRequest) -> None:
    """Every word of it: subject, e-mail, the short text, the JSON, and what Slack shows."""
    digest = CASES[case]
    check_approved(case, render_sections(build_publication(digest), build_slack_payload(digest)), request.config)
