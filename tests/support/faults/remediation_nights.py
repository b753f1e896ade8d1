"""One project put right by the deployed application while things go wrong by a seed, and what may never come of it."""

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

POLICY_ADDRESS = "ssm:/backup-auditor/apply"
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
    """What goes wrong, by one seed: with AWS, and sometimes with Pinecone."""

    def __init__(self, seed: int) -> None:
        """Choose one to three calls, each once, thrice or for ever."""
        rng = random.Random(seed)  # noqa: S311  the same each time
        self.seed = seed
        self.aws_faults = [self._choose_aws_fault(rng) for _ in range(rng.choice((1, 1, 2, 3)))]
        self.pinecone_faults = [self._choose_pinecone_fault(rng) for _ in range(rng.choice((0, 0, 1, 2)))]

    def __str__(self) -> str:
        """Describe the faults, for the message of a failed test."""
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
            # a process that is killed for ever is not what a fault of a service does
            times=rng.choice((1, 1, 3) if kind in UNANSWERED_KINDS else (1, 1, 3, None)),
            delay_seconds=1.0,
        )

    def _choose_pinecone_fault(self, rng: random.Random) -> PineconeFault:
        kind = rng.choice(_PINECONE_FAULT_KINDS)
        method = rng.choice(("POST", "POST", "GET"))
        # to reading, 400 says that there can be no schedule
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
    """A project of its own: trouble at first, then none."""

    def __init__(self, app: Application, seed: int) -> None:
        """Register it."""
        self.app, self.fault_plan = app, FaultPlan(seed)
        self.project_view = ProjectView(app, f"run-{seed}")
        self.moment = max(app.clock.now() + timedelta(days=2), _FIRST_AUDIT_AT)
        self.project = build_partly_scheduled_project(self.moment, *_UNSCHEDULED_INDEXES)
        app.put_document(POLICY_ADDRESS, format_policy("apply", first_backup=True))
        app.register(self.project_view.name, self.project)
        app.put_registry([app.make_entry(it, policy=POLICY_ADDRESS) for it in app.simulated_projects])
        app.clear_dead_letters()

    def run(self, moment: datetime) -> set[str]:
        """Let an audit that proposes something be complete, and all that follows from it be done."""
        app, first_invocation = self.app, len(self.app.runner.invocations)
        app.clock.set(moment)
        detail = {**_COMPLETED_EVENT["detail"], "project": self.project_view.name, "audit_id": f"{moment:%Y%m%d}"}
        event = {**_COMPLETED_EVENT, "detail": detail}
        app.flow.deliver("RemediateFunction", event)
        app.flow.deliver_all()
        return app.find_alarms(first_invocation) - {"ProjectsOverdueAlarm"}

    def run_with_faults(self) -> set[str]:
        """Let all go wrong that is to; return the alarms that ring."""
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
        """Tell whether every index has its schedule."""
        return all(self.project_view.schedules[name] for name in _UNSCHEDULED_INDEXES)

    def find_violations(self) -> Iterator[str]:
        """Yield what may never be, and is."""
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
        """Yield what may not be when it is over."""
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
    """Let a project of its own be put right while things go wrong, and then once more when all is well."""
    remediation_run = RemediationRun(app, seed)
    alarms = remediation_run.run_with_faults()
    assert remediation_run.has_all_schedules() or alarms, f"{remediation_run.fault_plan}: no alarm for what stays wrong"
    violations = list(remediation_run.find_violations())
    assert not violations, f"{remediation_run.fault_plan}: {violations}"
    remediation_run.run(remediation_run.moment + timedelta(days=1))
    omissions = list(remediation_run.find_omissions())
    assert not omissions, f"{remediation_run.fault_plan}: {omissions}"
    app.unregister(remediation_run.project_view.name)
    app.aws.requests.clear()
