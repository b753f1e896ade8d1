"""What goes wrong in a night, chosen by a seed."""

import random
from dataclasses import dataclass, field

from support.faults.aws_requests import AwsFault, AwsFaultKind
from support.slack_server import (
    FORBIDDEN_ANSWER,
    LOST_ANSWER,
    NO_SERVICE_ANSWER,
    UNAVAILABLE_ANSWER,
    SlackAnswer,
    make_busy_answer,
)

UNANSWERED_KINDS = {AwsFaultKind.LOST, AwsFaultKind.KILLED}
"""Faults after which an effect exists and its answer is lost."""
_CALLS_BY_FUNCTION = {
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
_SLACK_ANSWERS = (
    UNAVAILABLE_ANSWER,
    make_busy_answer(1),
    NO_SERVICE_ANSWER,
    FORBIDDEN_ANSWER,
    LOST_ANSWER,
    SlackAnswer(is_posted=True, delay_seconds=2.0),
)


@dataclass
class FaultPlan:
    """What goes wrong, by one seed."""

    seed: int
    aws_faults: list[AwsFault] = field(default_factory=list)
    slack_answers: list[SlackAnswer] = field(default_factory=list)
    permanent_slack_answer: SlackAnswer | None = None

    def __str__(self) -> str:
        """Describe the faults, for the message of a failed test."""
        fault_texts = [f"{it.function} {it.call} {it.kind} after {it.after} times {it.times}" for it in self.aws_faults]
        return f"seed {self.seed}: {fault_texts} slack {self.slack_answers} for ever {self.permanent_slack_answer}"


def choose_faults(seed: int) -> FaultPlan:
    """Choose what goes wrong: one to three calls, each once, thrice or for ever, and sometimes Slack."""
    rng = random.Random(seed)  # noqa: S311  the same each time
    plan = FaultPlan(seed)
    for _ in range(rng.choice((1, 1, 2, 3))):
        function = rng.choice(sorted(_CALLS_BY_FUNCTION))
        kind = rng.choice(list(AwsFaultKind))
        plan.aws_faults.append(
            AwsFault(
                kind=kind,
                call=rng.choice(_CALLS_BY_FUNCTION[function]),
                function=function,
                after=rng.choice((0, 0, 0, 1, 2)),
                # a process that is killed for ever is not what a fault of a service does
                times=rng.choice((1, 1, 3) if kind in UNANSWERED_KINDS else (1, 1, 3, None)),
                delay_seconds=1.0,
            )
        )
    if rng.random() < 0.5:
        plan.slack_answers = [rng.choice(_SLACK_ANSWERS) for _ in range(rng.choice((1, 2, 4)))]
    if rng.random() < 0.1:
        plan.permanent_slack_answer = rng.choice((UNAVAILABLE_ANSWER, NO_SERVICE_ANSWER, FORBIDDEN_ANSWER))
    return plan
