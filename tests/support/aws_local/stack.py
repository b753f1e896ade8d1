"""The application's stack, created in moto's CloudFormation from its built template."""

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from support.aws_local.aws import LocalAws
from support.aws_local.clients import open_client
from support.aws_local.created_template import (
    BuildOutput,
    CreatedTemplate,
    ScheduledInvocation,
    find_schedules,
    read_statements,
)
from support.aws_local.function import Function
from support.aws_local.iam import Statement, parse_statements
from support.aws_local.queues import Queue, QueueTrigger
from support.aws_local.templates import (
    drop_absent_resources,
    find_unsupported,
    read_template,
    remove_resources,
    transform_template,
)

STACK_NAME = "backup-auditor"
_LAYER_TYPE = "AWS::Lambda::LayerVersion"


@dataclass(frozen=True, slots=True)
class Stack:
    """The created resources, by the logical names of the template."""

    template: Mapping[str, Any]
    """The transformed template."""
    removed_resources: Mapping[str, str]
    """The resources that moto does not support, and the type of each."""
    physical_ids: Mapping[str, str]
    functions: Mapping[str, Function]
    statements: Mapping[str, tuple[Statement, ...]]
    """The statements of each role."""
    schedules: Mapping[str, ScheduledInvocation]
    queues: Mapping[str, Queue]
    triggers: tuple[QueueTrigger, ...]
    """The queues that start functions."""
    denials: tuple[Statement, ...]
    """The statements with which resource policies deny access to all callers; moto keeps none of them."""

    def find_by_type(self, resource_type: str) -> dict[str, Mapping[str, Any]]:
        """Return the properties of the resources of a type."""
        resources = self.template["Resources"].items()
        return {name: it.get("Properties", {}) for name, it in resources if it["Type"] == resource_type}

    @property
    def dead_letter_queue(self) -> str:
        """The logical name of the dead-letter queue of all queues."""
        (name,) = {it.dead_letter_queue for it in self.queues.values() if it.dead_letter_queue is not None}
        return name

    def find_target(self, arn: str) -> str:
        """Return the logical name of a function or a queue."""
        targets: Mapping[str, Function | Queue] = {**self.functions, **self.queues}
        return next(name for name, it in targets.items() if it.arn == arn)


def create_stack(
    aws: LocalAws, build: BuildOutput, parameters: Mapping[str, str], variables: Mapping[str, str]
) -> Stack:
    """Create the stack; `variables` are added to the environment of every function."""
    if not (build.template.exists() and build.layer.exists()):
        raise FileNotFoundError("the application is not built, or not for this machine; make build does both")
    template = drop_absent_resources(transform_template(read_template(build.template), parameters), parameters)
    removed_resources = find_unsupported(template)
    _upload_artifacts(aws, template)
    cloudformation = open_client("cloudformation", aws.endpoint)
    cloudformation.create_stack(
        StackName=STACK_NAME,
        TemplateBody=json.dumps(remove_resources(template, removed_resources)),
        Parameters=[{"ParameterKey": name, "ParameterValue": it} for name, it in parameters.items()],
        Capabilities=["CAPABILITY_IAM"],
    )
    resources = cloudformation.describe_stack_resources(StackName=STACK_NAME)["StackResources"]
    physical_ids = {it["LogicalResourceId"]: it.get("PhysicalResourceId", STACK_NAME) for it in resources}
    created = CreatedTemplate(aws, template, physical_ids, build, parameters)
    functions = {name: created.read_function(name, variables) for name in created.find_by_type("AWS::Lambda::Function")}
    statements = {name: read_statements(aws, physical_ids[name]) for name in created.find_by_type("AWS::IAM::Role")}
    denials = parse_statements(
        created.read_bucket_policy(name) for name in created.find_by_type("AWS::S3::BucketPolicy")
    )
    return Stack(
        template,
        removed_resources,
        physical_ids,
        functions,
        statements,
        find_schedules(template),
        {name: created.read_queue(name) for name in created.find_by_type("AWS::SQS::Queue")},
        tuple(created.read_trigger(name) for name in created.find_by_type("AWS::Lambda::EventSourceMapping")),
        denials,
    )


def _upload_artifacts(aws: LocalAws, template: Mapping[str, Any]) -> None:
    """Upload an empty archive for each artifact; the functions run from their folders."""
    s3 = open_client("s3", aws.endpoint)
    s3.create_bucket(Bucket="packaged", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    empty_archive = io.BytesIO()
    with zipfile.ZipFile(empty_archive, "w") as archive:
        archive.writestr("app.py", "")
    for name in template["Resources"]:
        s3.put_object(Bucket="packaged", Key=f"{name}.zip", Body=empty_archive.getvalue())
    # the transformation adds a hash of the content to the name of a layer
    for resource in template["Resources"].values():
        if resource["Type"] == _LAYER_TYPE:
            s3.put_object(
                Bucket="packaged", Key=resource["Properties"]["Content"]["S3Key"], Body=empty_archive.getvalue()
            )
