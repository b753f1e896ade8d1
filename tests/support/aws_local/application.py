"""The deployed application: the stack, its projects, their registry and keys, and the channels for alerts."""

import json
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self

import yaml

from backup_auditor_simulator.model import DRILLER, EDITOR
from backup_auditor_simulator.organization import CLIENT_ID, SimulatedOrganization
from backup_auditor_simulator.project import SimulatedProject
from support.aws_local.aws import LocalAws
from support.aws_local.clock import MovedClock
from support.aws_local.created_template import BuildOutput
from support.aws_local.deployment import DeployedApplication
from support.aws_local.events import EventFlow
from support.aws_local.invocation import Invocation
from support.aws_local.projects import ProjectsServer
from support.aws_local.runner import FunctionRunner
from support.aws_local.stack import STACK_NAME, create_stack
from support.slack_server import serve_slack

ROOT = Path(__file__).parents[3]
BUILD_OUTPUT = BuildOutput(ROOT / ".aws-sam/build/template.yaml", ROOT / "build/layer-x86_64")
CONFIG_BUCKET = "backup-auditor-config"
SLACK_SECRET = "backup-auditor/webhooks/slack"  # noqa: S105  the name of a secret
ORGANIZATION_SECRET = "backup-auditor/organization/pinecone"  # noqa: S105  the name of a secret
EDITOR_SECRET_PREFIX = "backup-auditor-editor/"  # noqa: S105  the name of a secret
"""The prefix of the names of secrets that hold editor keys."""
DRILL_SECRET_PREFIX = "backup-auditor-drill/"  # noqa: S105  the name of a secret
"""The prefix of the names of secrets that hold keys for restore drills."""
FLEET_PARAMETERS = {
    "Registry": "ssm:/backup-auditor/registry",
    "ConfigBucket": CONFIG_BUCKET,
    "SlackSecret": SLACK_SECRET,
    "EnableRemediation": "true",
}
"""The parameters of a stack for many projects."""
NIGHT = timedelta(hours=8)
"""How long a night runs: until a project whose audits failed is overdue."""
CANARY = "x" * 6 + "Canary" + "x" * 6
"""A text in every secret that must not appear anywhere else."""


def make_key(project: str, version: int = 1) -> str:
    """Return the key of a project."""
    return f"pcsk_{project}_{version}_{CANARY}"


def make_editor_key(project: str) -> str:
    """Return the editor key of a project."""
    return f"pcsk_{project}_editor_{CANARY}"


def make_drill_key(project: str) -> str:
    """Return the key of a project for restore drills."""
    return f"pcsk_{project}_drill_{CANARY}"


class Application(DeployedApplication):
    """A deployed application with many projects, while its context lasts."""

    def __init__(
        self,
        folder: Path,
        projects: Mapping[str, SimulatedProject],
        moment: datetime,
        *,
        parameters: Mapping[str, str] = FLEET_PARAMETERS,
        repeat_probability: float = 0.0,
    ) -> None:
        """Deploy the stack; each event is delivered twice with `repeat_probability`."""
        super().__init__()
        self.simulated_projects = dict(projects)
        self.clock = MovedClock(folder / "clock", moment)
        self._exit_stack = ExitStack()
        self.slack = self._exit_stack.enter_context(serve_slack())
        self.aws = self._exit_stack.enter_context(LocalAws())
        keys = {name: make_key(name) for name in projects}
        self.pinecone = self._exit_stack.enter_context(ProjectsServer(projects, keys, self.clock))
        self.open_client("s3").create_bucket(
            Bucket=CONFIG_BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
        )
        for name in projects:
            self._add_keys(name)
        self.put_secret(SLACK_SECRET, self.slack.make_webhook(f"T0/B0/{CANARY}"))
        self.registry = parameters.get("Registry", "")
        self.put_registry([self.make_entry(name) for name in projects])
        variables = {"PINECONE_CONTROLLER_HOST": self.pinecone.url, "PINECONE_OAUTH_URL": self.pinecone.oauth_url}
        self.stack = create_stack(self.aws, BUILD_OUTPUT, parameters, variables)
        self.aws.denials = self.stack.denials
        self.runner = self._exit_stack.enter_context(FunctionRunner(self.aws, self.stack, folder, self.clock))
        names = {it.name: logical_name for logical_name, it in self.stack.functions.items()}
        self.aws.invoke_function = lambda name, event: self.runner.invoke(names[name], event)
        self.flow = EventFlow(self.aws, self.stack, self.runner, self.clock, repeat_probability=repeat_probability)
        self._exit_stack.enter_context(self.flow.connect_rules())
        self.queue_url = self.subscribe_queue(self.stack.physical_ids["AlertTopic"], "alerts")

    def __enter__(self) -> Self:
        """Return the application."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop all servers and processes."""
        self._exit_stack.close()

    def put_secret(self, name: str, text: str) -> None:
        """Create a secret, or replace its value."""
        secrets = self.open_client("secretsmanager")
        try:
            secrets.create_secret(Name=name, SecretString=text)
        except secrets.exceptions.ResourceExistsException:
            secrets.put_secret_value(SecretId=name, SecretString=text)

    def serve_organization(self, organization: SimulatedOrganization) -> None:
        """Serve an organization of some projects, and store the secret of its service account."""
        organization.service_accounts[CLIENT_ID].client_secret = CANARY
        self.put_secret(ORGANIZATION_SECRET, json.dumps({"client_id": CLIENT_ID, "client_secret": CANARY}))
        self.pinecone.serve_organization(organization)

    def register(self, name: str, project: SimulatedProject) -> None:
        """Add a project."""
        self.simulated_projects[name] = project
        self.pinecone.add_project(name, project, make_key(name))
        self._add_keys(name)
        self.put_registry([self.make_entry(it) for it in self.simulated_projects])

    def unregister(self, name: str) -> None:
        """Remove a project from the registry; its state stays."""
        del self.simulated_projects[name]
        self.put_registry([self.make_entry(it) for it in self.simulated_projects])

    def make_entry(self, name: str, **fields: Any) -> dict[str, Any]:
        """Return the registry entry of a project."""
        secrets = {"secret": f"backup-auditor/keys/{name}", "editor_secret": f"{EDITOR_SECRET_PREFIX}{name}"}
        return {"name": name, **secrets, **fields}

    def put_registry(self, entries: list[dict[str, Any]]) -> None:
        """Replace the registry with these projects."""
        if self.registry:
            self.put_document(self.registry, yaml.safe_dump({"version": 1, "projects": entries}))

    def put_document(self, address: str, text: str) -> None:
        """Write a document to `ssm:NAME` or `s3://BUCKET/KEY`."""
        if address.startswith("ssm:"):
            ssm = self.open_client("ssm")
            ssm.put_parameter(Name=address.removeprefix("ssm:"), Value=text, Type="String", Overwrite=True)
        else:
            bucket, _, key = address.removeprefix("s3://").partition("/")
            self.open_client("s3").put_object(Bucket=bucket, Key=key, Body=text.encode())

    def run_night(self, moment: datetime, duration: timedelta = NIGHT) -> list[Invocation]:
        """End idle processes, fire the nightly schedule at a time, and run until the night is over."""
        self.runner.end_processes()
        self.clock.set(moment)
        self.flow.fire_schedule("NightlySchedule", moment)
        return self.flow.run_until(moment + duration)

    def watch(self) -> list[Invocation]:
        """Run the hourly watch."""
        self.flow.fire_schedule("WatchSchedule", self.clock.now())
        return self.flow.deliver_all()

    def kill_processes(self, verb: str) -> None:
        """Kill every process of a function."""
        name = f"{STACK_NAME}-{verb}"
        for principal in list(self.aws.principals.values()):
            if principal.function == name:
                principal.kill()

    def add_drill_key(self, name: str, secret: str | None = None) -> None:
        """Store a key for restore drills of a project, in the secret of the project or in another one."""
        self.put_secret(f"{DRILL_SECRET_PREFIX}{secret or name}", make_drill_key(name))
        self.pinecone.add_key(name, make_drill_key(name), DRILLER)

    def _add_keys(self, name: str) -> None:
        """Store both keys of a project in its secrets."""
        self.put_secret(f"backup-auditor/keys/{name}", make_key(name))
        self.put_secret(f"{EDITOR_SECRET_PREFIX}{name}", make_editor_key(name))
        self.pinecone.add_key(name, make_editor_key(name), EDITOR)

    def subscribe_queue(self, topic: str, name: str) -> str:
        """Return the address of a new queue that receives the messages of a topic."""
        sqs, sns = self.open_client("sqs"), self.open_client("sns")
        url: str = sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        return url
