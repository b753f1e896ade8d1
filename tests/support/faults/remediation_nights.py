"""One project put right by the deployed application while things go wrong by a seed, and what may never come of it."""

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from backup_auditor_simulator.web.faults import Fault as PineconeFault
from support.aws_local.application import ROOT, Application
from support.aws_local.remediation import CREATED, Righted, bare, policy
from support.faults.aws_night import UNHEARD
from support.faults.aws_requests import Fault, Kind

APPLY = "ssm:/backup-auditor/apply"
REMEDIATE = "backup-auditor-remediate"
_FIRST = datetime(2026, 11, 20, 2, 15, tzinfo=UTC)
_BARE = ("carts", "orders", "stock")
_COMPLETED = json.loads((ROOT / "events/remediate.completed.json").read_text(encoding="utf-8"))
_CALLS = (
    "ssm:GetParameter",
    "secretsmanager:GetSecretValue",
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
    "dynamodb:Query",
    "events:PutEvents",
)
_PINECONE = ("status", "reset", "reset_after_effect", "killed")


class Trouble:
    """What goes wrong, by one seed: with AWS, and sometimes with Pinecone."""

    def __init__(self, seed: int) -> None:
        """Choose one to three calls, each once, thrice or for ever."""
        chance = random.Random(seed)  # noqa: S311  the same each time
        self.seed = seed
        self.aws = [self._of_aws(chance) for _ in range(chance.choice((1, 1, 2, 3)))]
        self.pinecone = [self._of_pinecone(chance) for _ in range(chance.choice((0, 0, 1, 2)))]

    def __str__(self) -> str:
        """Say what goes wrong, for whoever reads of a test that failed."""
        aws = [f"{it.call} {it.kind} after {it.after} times {it.times}" for it in self.aws]
        pinecone = [f"{it.method} {it.path} {it.kind} {it.status} after {it.after}" for it in self.pinecone]
        return f"seed {self.seed}: {aws} {pinecone}"

    def _of_aws(self, chance: random.Random) -> Fault:
        kind = chance.choice(list(Kind))
        return Fault(
            kind=kind,
            call=chance.choice(_CALLS),
            function=REMEDIATE,
            after=chance.choice((0, 0, 1, 2, 4, 8)),
            # a process that is killed for ever is not what a fault of a service does
            times=chance.choice((1, 1, 3) if kind in UNHEARD else (1, 1, 3, None)),
            seconds=1.0,
        )

    def _of_pinecone(self, chance: random.Random) -> PineconeFault:
        kind = chance.choice(_PINECONE)
        method = chance.choice(("POST", "POST", "GET"))
        # to reading, 400 says that there can be no schedule
        statuses = (403, 409, 429, 500, 503) if method == "GET" else (400, 403, 409, 429, 500, 503)
        return PineconeFault(
            kind="shift" if kind == "killed" else kind,
            method=method,
            path=chance.choice(("*", "*/backup-schedules", "*/backups")),
            status=chance.choice(statuses),
            after=chance.choice((0, 0, 1, 2)),
            times=chance.choice((1, 1, 3)),
        )


class Case:
    """A project of its own: trouble at first, then none."""

    def __init__(self, app: Application, seed: int) -> None:
        """Register it."""
        self.app, self.trouble = app, Trouble(seed)
        self.righted = Righted(app, f"run-{seed}")
        self.moment = max(app.clock.now() + timedelta(days=2), _FIRST)
        self.world = bare(self.moment, *_BARE)
        app.put_document(APPLY, policy("apply", first_backup=True))
        app.register(self.righted.name, self.world)
        app.put_registry([app.entry(it, policy=APPLY) for it in app.worlds])
        app.forget_dead_letters()

    def run(self, moment: datetime) -> set[str]:
        """Let an audit that proposes something be complete, and all that follows from it be done."""
        app, begun = self.app, len(self.app.runner.done)
        app.clock.set(moment)
        detail = {**_COMPLETED["detail"], "project": self.righted.name, "audit_id": f"{moment:%Y%m%d}"}
        event = {**_COMPLETED, "detail": detail}
        app.flow.deliver("RemediateFunction", event)
        app.flow.run()
        return app.ringing(begun) - {"ProjectsOverdueAlarm"}

    def in_trouble(self) -> set[str]:
        """Let all go wrong that is to; return the alarms that ring."""
        faults = self.app.projects.desks[self.righted.name].faults
        self.app.aws.faults[:] = self.trouble.aws
        for fault in self.trouble.pinecone:
            fault.change = lambda _: self.app.kill("remediate")
        faults[:] = self.trouble.pinecone
        ringing = self.run(self.moment)
        self.app.aws.faults.clear()
        faults.clear()
        return ringing

    def is_done(self) -> bool:
        """Tell whether every index has its schedule."""
        return all(self.righted.schedules[name] for name in _BARE)

    def wrongs(self) -> Iterator[str]:
        """Yield what may never be, and is."""
        for name, schedules in self.righted.schedules.items():
            if len(schedules) > 1:
                yield f"{name} has {schedules}"
            if name in _BARE and self.righted.first_backups(name) > 1:
                yield f"{name} was backed up {self.righted.first_backups(name)} times"
        records = self.righted.records
        for action in self._made():
            if action not in records:
                yield f"nobody recorded {action}"

    def gaps(self) -> Iterator[str]:
        """Yield what may not be when it is over."""
        yield from self.wrongs()
        if not self.is_done():
            yield f"not all have schedules: {self.righted.schedules}"
        records = self.righted.records
        told = {f"{it['kind']}/{it['index']}" for it in self.righted.told(CREATED)}
        for action in self._made():
            states = [it["state"]["S"] for it in records.get(action, ())]
            if not {"done", "verification_failed"} & set(states):
                yield f"{action} is recorded as {states}"
            if action not in told:
                yield f"the bus did not hear of {action}"

    def _made(self) -> set[str]:
        """Return the actions that took effect."""
        schedules = {f"create_schedule/{it}" for it in _BARE if self.righted.schedules[it]}
        return schedules | {f"first_backup/{it}" for it in _BARE if self.righted.first_backups(it)}


def live_through(app: Application, seed: int) -> None:
    """Let a project of its own be put right while things go wrong, and then once more when all is well."""
    case = Case(app, seed)
    ringing = case.in_trouble()
    assert case.is_done() or ringing, f"{case.trouble}: what stays wrong rings nowhere"
    wrongs = list(case.wrongs())
    assert not wrongs, f"{case.trouble}: {wrongs}"
    case.run(case.moment + timedelta(days=1))
    gaps = list(case.gaps())
    assert not gaps, f"{case.trouble}: {gaps}"
    app.unregister(case.righted.name)
    app.aws.seen.clear()
