"""What goes wrong in a night, chosen by a seed."""

import random
from dataclasses import dataclass, field

from support.faults.aws_requests import Fault, Kind
from support.slack_server import FORBIDDEN, LOST, NO_SERVICE, UNAVAILABLE, Answer, busy

UNHEARD = {Kind.LOST, Kind.KILLED}
"""What is done, and nobody hears of it."""
_CALLS = {
    "backup-auditor-dispatch": ("ssm:GetParameter", "events:PutEvents"),
    "backup-auditor-audit": (
        "ssm:GetParameter",
        "secretsmanager:GetSecretValue",
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
        "dynamodb:GetItem",
        "dynamodb:Query",
        "dynamodb:BatchGetItem",
        "dynamodb:BatchWriteItem",
        "dynamodb:TransactWriteItems",
        "dynamodb:DeleteItem",
        "s3:PutObject",
        "s3:GetObject",
        "events:PutEvents",
    ),
    "backup-auditor-notify": (
        "ssm:GetParameter",
        "secretsmanager:GetSecretValue",
        "dynamodb:Query",
        "dynamodb:UpdateItem",
        "dynamodb:GetItem",
        "dynamodb:TransactWriteItems",
        "s3:GetObject",
        "sns:Publish",
        "events:PutEvents",
    ),
}
_SLACK = (UNAVAILABLE, busy(1), NO_SERVICE, FORBIDDEN, LOST, Answer(is_taken=True, seconds=2.0))


@dataclass
class Trouble:
    """What goes wrong, by one seed."""

    seed: int
    faults: list[Fault] = field(default_factory=list)
    slack: list[Answer] = field(default_factory=list)
    slack_for_ever: Answer | None = None

    def __str__(self) -> str:
        """Say what goes wrong, for whoever reads of a test that failed."""
        told = [f"{it.function} {it.call} {it.kind} after {it.after} times {it.times}" for it in self.faults]
        return f"seed {self.seed}: {told} slack {self.slack} for ever {self.slack_for_ever}"


def trouble_of(seed: int) -> Trouble:
    """Choose what goes wrong: one to three calls, each once, thrice or for ever, and sometimes Slack."""
    chance = random.Random(seed)  # noqa: S311  the same each time
    found = Trouble(seed)
    for _ in range(chance.choice((1, 1, 2, 3))):
        function = chance.choice(sorted(_CALLS))
        kind = chance.choice(list(Kind))
        found.faults.append(
            Fault(
                kind=kind,
                call=chance.choice(_CALLS[function]),
                function=function,
                after=chance.choice((0, 0, 0, 1, 2)),
                # a process that is killed for ever is not what a fault of a service does
                times=chance.choice((1, 1, 3) if kind in UNHEARD else (1, 1, 3, None)),
                seconds=1.0,
            )
        )
    if chance.random() < 0.5:
        found.slack = [chance.choice(_SLACK) for _ in range(chance.choice((1, 2, 4)))]
    if chance.random() < 0.1:
        found.slack_for_ever = chance.choice((UNAVAILABLE, NO_SERVICE, FORBIDDEN))
    return found
