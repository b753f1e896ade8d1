"""The application as somebody deployed it: the stack, projects to audit, a registry, keys, and channels to hear by."""

from collections.abc import Mapping
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self

import yaml

from backup_auditor_simulator.api.app import EDITOR
from backup_auditor_simulator.project import SimulatedProject
from support.aws_local.aws import Aws
from support.aws_local.clock import MovedClock
from support.aws_local.created_template import Build
from support.aws_local.deployment import Deployed
from support.aws_local.events import Flow
from support.aws_local.invocation import Invocation
from support.aws_local.projects import Projects
from support.aws_local.runner import Runner
from support.aws_local.stack import NAME, create
from support.slack_server import receiving

ROOT = Path(__file__).parents[3]
BUILD = Build(ROOT / ".aws-sam/build/template.yaml", ROOT / "build/layer-x86_64")
CONFIG = "backup-auditor-config"
SLACK = "backup-auditor/slack"
EDITORS = "backup-auditor-editor/"
"""How the names of secrets begin that hold keys that may write."""
MANY = {
    "Registry": "ssm:/backup-auditor/registry",
    "ConfigBucket": CONFIG,
    "SlackSecret": SLACK,
    "EnableRemediation": "true",
}
"""The parameters of a stack for many projects."""
CANARY = "x" * 6 + "Canary" + "x" * 6
"""Stands in every secret, and may be found nowhere else."""


def key_of(project: str, version: int = 1) -> str:
    """Return the key of a project."""
    return f"pcsk_{project}_{version}_{CANARY}"


def editor_key_of(project: str) -> str:
    """Return the key of a project that may write."""
    return f"pcsk_{project}_editor_{CANARY}"


class Application(Deployed):
    """A deployed application with many projects, while its context lasts."""

    def __init__(
        self,
        folder: Path,
        worlds: Mapping[str, SimulatedProject],
        moment: datetime,
        *,
        parameters: Mapping[str, str] = MANY,
        repeats: float = 0.0,
    ) -> None:
        """Prepare it; `repeats` is how likely an event is delivered twice."""
        super().__init__()
        self.worlds = dict(worlds)
        self.clock = MovedClock(folder / "clock", moment)
        self._stack = ExitStack()
        self.slack = self._stack.enter_context(receiving())
        self.aws = self._stack.enter_context(Aws())
        keys = {name: key_of(name) for name in worlds}
        self.projects = self._stack.enter_context(Projects(worlds, keys, self.clock))
        self.client("s3").create_bucket(Bucket=CONFIG, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        for name in worlds:
            self._admit(name)
        self.put_secret(SLACK, self.slack.webhook(f"T0/B0/{CANARY}"))
        self.registry = parameters.get("Registry", "")
        self.put_registry([self.entry(name) for name in worlds])
        self.stack = create(self.aws, BUILD, parameters, {"PINECONE_CONTROLLER_HOST": self.projects.url})
        self.aws.denials = self.stack.denials
        self.runner = self._stack.enter_context(Runner(self.aws, self.stack, folder, self.clock))
        self.flow = Flow(self.aws, self.stack, self.runner, repeats=repeats)
        self._stack.enter_context(self.flow.flowing())
        self.queue = self._subscribed(self.stack.physical["AlertTopic"], "alerts")

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """End everything."""
        self._stack.close()

    def put_secret(self, name: str, text: str) -> None:
        """Give a secret a value, its first or another."""
        secrets = self.client("secretsmanager")
        try:
            secrets.create_secret(Name=name, SecretString=text)
        except secrets.exceptions.ResourceExistsException:
            secrets.put_secret_value(SecretId=name, SecretString=text)

    def register(self, name: str, world: SimulatedProject) -> None:
        """Add a project."""
        self.worlds[name] = world
        self.projects.add(name, world, key_of(name))
        self._admit(name)
        self.put_registry([self.entry(it) for it in self.worlds])

    def unregister(self, name: str) -> None:
        """Take a project away; what is remembered of it stays."""
        del self.worlds[name]
        self.put_registry([self.entry(it) for it in self.worlds])

    def entry(self, name: str, **more: Any) -> dict[str, Any]:
        """Return the registry's entry of a project."""
        secrets = {"secret": f"backup-auditor/{name}", "editor_secret": f"{EDITORS}{name}"}
        return {"name": name, **secrets, **more}

    def put_registry(self, entries: list[dict[str, Any]]) -> None:
        """Register projects, and nothing else."""
        if self.registry:
            self.put_document(self.registry, yaml.safe_dump({"version": 1, "projects": entries}))

    def put_document(self, place: str, text: str) -> None:
        """Write a document, as `ssm:NAME` or `s3://BUCKET/KEY`."""
        if place.startswith("ssm:"):
            ssm = self.client("ssm")
            ssm.put_parameter(Name=place.removeprefix("ssm:"), Value=text, Type="String", Overwrite=True)
        else:
            bucket, _, key = place.removeprefix("s3://").partition("/")
            self.client("s3").put_object(Bucket=bucket, Key=key, Body=text.encode())

    def night(self, moment: datetime) -> list[Invocation]:
        """Let a night come: nothing runs any more, the clock strikes, and all that follows from it is done."""
        self.runner.end_processes()
        self.clock.set(moment)
        self.flow.fire("NightlySchedule", moment)
        return self.flow.run()

    def sweep(self, later: timedelta = timedelta(minutes=15)) -> list[Invocation]:
        """Let time pass, and what was not delivered be delivered again."""
        self.clock.advance(later)
        self.flow.fire("SweepSchedule", self.clock.now())
        return self.flow.run()

    def watch(self) -> list[Invocation]:
        """Let the hourly look be taken."""
        self.flow.fire("WatchSchedule", self.clock.now())
        return self.flow.run()

    def kill(self, verb: str) -> None:
        """End every process of a function, wherever it is."""
        name = f"{NAME}-{verb}"
        for it in list(self.aws.principals.values()):
            if it.function == name:
                it.kill()

    def _admit(self, name: str) -> None:
        """Put both keys of a project where the functions look for them."""
        self.put_secret(f"backup-auditor/{name}", key_of(name))
        self.put_secret(f"{EDITORS}{name}", editor_key_of(name))
        self.projects.admit(name, editor_key_of(name), EDITOR)

    def _subscribed(self, topic: str, name: str) -> str:
        """Return the address of a new queue that is given what a topic publishes."""
        sqs, sns = self.client("sqs"), self.client("sns")
        url: str = sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        return url
