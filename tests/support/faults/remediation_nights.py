"""Remediation of one project with faults chosen by a seed, and the invariants that must hold after it."""

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from backup_auditor_simulator.web.faults import Fault as PineconeFault
from support.aws_local.application import ROOT, Application
from support.aws_local.remediation import (
    CREATED_DETAIL_TYPE,
    ProjectView,
    build_partly_scheduled_project,
    format_policy,
)
from support.faults.aws_night import UNANSWERED_KINDS
from support.faults.aws_requests import AwsFault, AwsFaultKind

POLICY_ADDRESS = "ssm:/backup-auditor/policies/apply"
REMEDIATE_FUNCTION = "backup-auditor-remediate"
_FIRST_AUDIT_AT = datetime(2026, 11, 20, 2, 15, tzinfo=UTC)
_UNSCHEDULED_INDEXES = ("carts", "orders", "stock")
_COMPLETED_EVENT = json.loads((ROOT / "events/remediate.completed.json").read_text(encoding="utf-8"))
_AWS_CALLS = (
    "ssm:GetParameter",
    "secretsmanager:GetSecretValue",
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
    "dynamodb:Query",
    "events:PutEvents",
)
_PINECONE_FAULT_KINDS = ("status", "reset", "reset_after_effect", "killed")


class FaultPlan:
    """The faults of one seed: of AWS, and sometimes of Pinecone."""

    def __init__(self, seed: int) -> None:
        """Choose one to three calls, each failing once, three times or permanently."""
        rng = random.Random(seed)  # noqa: S311  a seeded choice, not a secret
        self.seed = seed
        self.aws_faults = [self._choose_aws_fault(rng) for _ in range(rng.choice((1, 1, 2, 3)))]
        self.pinecone_faults = [self._choose_pinecone_fault(rng) for _ in range(rng.choice((0, 0, 1, 2)))]

    def __str__(self) -> str:
        """Return the faults as text for the message of a failed test."""
        aws_texts = [f"{it.call} {it.kind} after {it.after} times {it.times}" for it in self.aws_faults]
        pinecone_texts = [
            f"{it.method} {it.path} {it.kind} {it.status} after {it.after}" for it in self.pinecone_faults
        ]
        return f"seed {self.seed}: {aws_texts} {pinecone_texts}"

    def _choose_aws_fault(self, rng: random.Random) -> AwsFault:
        kind = rng.choice(list(AwsFaultKind))
        return AwsFault(
            kind=kind,
            call=rng.choice(_AWS_CALLS),
            function=REMEDIATE_FUNCTION,
            after=rng.choice((0, 0, 1, 2, 4, 8)),
            # a service fault does not kill every process permanently
            times=rng.choice((1, 1, 3) if kind in UNANSWERED_KINDS else (1, 1, 3, None)),
            delay_seconds=1.0,
        )

    def _choose_pinecone_fault(self, rng: random.Random) -> PineconeFault:
        kind = rng.choice(_PINECONE_FAULT_KINDS)
        method = rng.choice(("POST", "POST", "GET"))
        # to a read, 400 means that no schedule can exist
        statuses = (403, 409, 429, 500, 503) if method == "GET" else (400, 403, 409, 429, 500, 503)
        return PineconeFault(
            kind="shift" if kind == "killed" else kind,
            method=method,
            path=rng.choice(("*", "*/backup-schedules", "*/backups")),
            status=rng.choice(statuses),
            after=rng.choice((0, 0, 1, 2)),
            times=rng.choice((1, 1, 3)),
        )


class RemediationRun:
    """The remediation of one project: with faults at first, then without."""

    def __init__(self, app: Application, seed: int) -> None:
        """Register the project."""
        self.app, self.fault_plan = app, FaultPlan(seed)
        self.project_view = ProjectView(app, f"run-{seed}")
        self.moment = max(app.clock.now() + timedelta(days=2), _FIRST_AUDIT_AT)
        self.project = build_partly_scheduled_project(self.moment, *_UNSCHEDULED_INDEXES)
        app.put_document(POLICY_ADDRESS, format_policy("apply", first_backup=True))
        app.register(self.project_view.name, self.project)
        app.put_registry([app.make_entry(it, policy=POLICY_ADDRESS) for it in app.simulated_projects])
        app.flow.clear_dead_letters()

    def run(self, moment: datetime) -> set[str]:
        """Publish a completed audit that proposes actions, and run everything that follows."""
        app, first_invocation = self.app, len(self.app.runner.invocations)
        app.clock.set(moment)
        detail = {**_COMPLETED_EVENT["detail"], "project": self.project_view.name, "audit_id": f"{moment:%Y%m%d}"}
        event = {**_COMPLETED_EVENT, "detail": detail}
        app.flow.deliver("RemediateFunction", event)
        app.flow.deliver_all()
        return app.find_alarms(first_invocation)

    def run_with_faults(self) -> set[str]:
        """Run with the faults of the plan; return the alarms that fire."""
        faults = self.app.pinecone.recorders[self.project_view.name].faults
        self.app.aws.faults[:] = self.fault_plan.aws_faults
        for fault in self.fault_plan.pinecone_faults:
            fault.change = lambda _: self.app.kill_processes("remediate")
        faults[:] = self.fault_plan.pinecone_faults
        alarms = self.run(self.moment)
        self.app.aws.faults.clear()
        faults.clear()
        return alarms

    def has_all_schedules(self) -> bool:
        """Return whether every index has its schedule."""
        return all(self.project_view.schedules[name] for name in _UNSCHEDULED_INDEXES)

    def find_violations(self) -> Iterator[str]:
        """Yield each violated invariant."""
        for name, schedules in self.project_view.schedules.items():
            if len(schedules) > 1:
                yield f"{name} has {schedules}"
            if name in _UNSCHEDULED_INDEXES and self.project_view.count_first_backups(name) > 1:
                yield f"{name} was backed up {self.project_view.count_first_backups(name)} times"
        records = self.project_view.attempts_by_action
        for action in self._list_applied_actions():
            if action not in records:
                yield f"no record has {action}"

    def find_omissions(self) -> Iterator[str]:
        """Yield each invariant that is violated once all work is done."""
        yield from self.find_violations()
        if not self.has_all_schedules():
            yield f"not all have schedules: {self.project_view.schedules}"
        records = self.project_view.attempts_by_action
        published_actions = {
            f"{it['kind']}/{it['index']}" for it in self.project_view.list_event_details(CREATED_DETAIL_TYPE)
        }
        for action in self._list_applied_actions():
            states = [it["state"]["S"] for it in records.get(action, ())]
            if not {"done", "verification_failed"} & set(states):
                yield f"{action} is recorded as {states}"
            if action not in published_actions:
                yield f"the bus did not receive {action}"

    def _list_applied_actions(self) -> set[str]:
        """Return the actions that took effect."""
        schedules = {f"create_schedule/{it}" for it in _UNSCHEDULED_INDEXES if self.project_view.schedules[it]}
        return schedules | {
            f"first_backup/{it}" for it in _UNSCHEDULED_INDEXES if self.project_view.count_first_backups(it)
        }


def remediate_under_faults(app: Application, seed: int) -> None:
    """Remediate a project with faults, and again without, and check the invariants."""
    remediation_run = RemediationRun(app, seed)
    alarms = remediation_run.run_with_faults()
    assert remediation_run.has_all_schedules() or alarms, (
        f"{remediation_run.fault_plan}: a permanent fault fires no alarm"
    )
    violations = list(remediation_run.find_violations())
    assert not violations, f"{remediation_run.fault_plan}: {violations}"
    remediation_run.run(remediation_run.moment + timedelta(days=1))
    omissions = list(remediation_run.find_omissions())
    assert not omissions, f"{remediation_run.fault_plan}: {omissions}"
    app.unregister(remediation_run.project_view.name)
    app.aws.requests.clear()
