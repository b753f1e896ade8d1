"""The resources that moto created from a template; properties that moto drops come from the template."""

import ast
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from support.aws_local.aws import LocalAws
from support.aws_local.clients import open_client
from support.aws_local.environment import ACCOUNT, REGION
from support.aws_local.function import Function
from support.aws_local.iam import Statement, parse_statements
from support.aws_local.queues import Queue, QueueTrigger


@dataclass(frozen=True, slots=True)
class BuildOutput:
    """The paths of the built artifacts."""

    template: Path
    """The template that `sam build` wrote."""
    layer: Path
    """The layer, built for the machine that runs the tests."""


@dataclass(frozen=True, slots=True)
class ScheduledInvocation:
    """An invocation that EventBridge Scheduler makes at set times."""

    target: str
    """The logical name of the invoked function, or of the queue."""
    role: str
    event: str
    """The event as in the template, with context attributes not yet replaced."""
    expression: str


def find_target(value: Any) -> str:
    """Return the logical name in a `Ref` or `Fn::GetAtt`."""
    argument = value.get("Ref") or value["Fn::GetAtt"]
    return str(argument[0] if isinstance(argument, list) else argument)


@dataclass(frozen=True, slots=True)
class CreatedTemplate:
    """The resources that moto created from a template, and the properties that it dropped."""

    aws: LocalAws
    template: Mapping[str, Any]
    physical_ids: Mapping[str, str]
    build: BuildOutput
    parameters: Mapping[str, str]

    def find_by_type(self, resource_type: str) -> list[str]:
        """Return the logical names of the resources of a type."""
        return [name for name, it in self.template["Resources"].items() if it["Type"] == resource_type]

    def read_function(self, name: str, extra_variables: Mapping[str, str]) -> Function:
        """Return a function as created; layers and log format come from the template."""
        configuration = open_client("lambda", self.aws.endpoint).get_function_configuration(
            FunctionName=self.physical_ids[name]
        )
        properties = self.template["Resources"][name]["Properties"]
        variables = {**configuration["Environment"]["Variables"], **extra_variables}
        return Function(
            name=configuration["FunctionName"],
            arn=configuration["FunctionArn"],
            role=find_target(properties["Role"]),
            handler=configuration["Handler"],
            task=self.build.template.parent / name,
            layers=(self.build.layer,) if properties.get("Layers") else (),
            variables={key: str(it) for key, it in variables.items()},
            timeout=timedelta(seconds=configuration["Timeout"]),
            memory=configuration["MemorySize"],
            logs_json=properties.get("LoggingConfig", {}).get("LogFormat") == "JSON",
        )

    def read_queue(self, name: str) -> Queue:
        """Return a queue."""
        properties = self.template["Resources"][name]["Properties"]
        redrive = properties.get("RedrivePolicy")
        return Queue(
            arn=f"arn:aws:sqs:{REGION}:{ACCOUNT}:{self.physical_ids[name].rpartition('/')[2]}",
            visibility=timedelta(seconds=properties.get("VisibilityTimeout", 30)),
            max_receives=redrive["maxReceiveCount"] if redrive else 0,
            dead_letter_queue=find_target(redrive["deadLetterTargetArn"]) if redrive else None,
        )

    def read_trigger(self, name: str) -> QueueTrigger:
        """Return what an event source mapping says about a queue and its function."""
        properties = self.template["Resources"][name]["Properties"]
        if properties["BatchSize"] != 1 or properties["FunctionResponseTypes"] != ["ReportBatchItemFailures"]:
            raise NotImplementedError(f"{name}: only single messages whose failures are reported are supported here")
        limit = properties.get("ScalingConfig", {}).get("MaximumConcurrency")
        return QueueTrigger(
            find_target(properties["EventSourceArn"]),
            find_target(properties["FunctionName"]),
            None if limit is None else int(self._resolve_parameter(limit)),
        )

    def read_bucket_policy(self, name: str) -> Any:
        """Return the statements of a bucket policy, with the bucket's ARN inserted."""
        properties = self.template["Resources"][name]["Properties"]
        bucket = find_target(properties["Bucket"])
        arn = f"arn:aws:s3:::{self.physical_ids[bucket]}"
        text = json.dumps(properties["PolicyDocument"])
        for reference, replacement in (
            (f'{{"Fn::GetAtt": ["{bucket}", "Arn"]}}', f'"{arn}"'),
            (f"${{{bucket}.Arn}}", arn),
        ):
            text = text.replace(reference, replacement)
        return json.loads(text.replace('{"Fn::Sub": "arn:aws:s3', '{"": "arn:aws:s3'), object_hook=_unpack)

    def _resolve_parameter(self, value: Any) -> str:
        """Return a value, or that of the parameter to which it refers."""
        if not isinstance(value, dict):
            return str(value)
        name = find_target(value)
        return self.parameters.get(name, str(self.template["Parameters"][name]["Default"]))


def _unpack(value: dict[str, Any]) -> Any:
    return value.get("", value)


def read_statements(aws: LocalAws, role: str) -> tuple[Statement, ...]:
    """Return the statements of a role, by its physical name."""
    iam = open_client("iam", aws.endpoint)
    attached_policies = iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
    if attached_policies:
        raise NotImplementedError(f"{role} has managed policies, whose statements are unknown here")
    names = iam.list_role_policies(RoleName=role)["PolicyNames"]
    policies = (iam.get_role_policy(RoleName=role, PolicyName=it)["PolicyDocument"] for it in names)
    # moto's CloudFormation writes a document as a Python literal, with `None` for omitted parts
    return parse_statements(ast.literal_eval(it) for it in policies)


def find_schedules(template: Mapping[str, Any]) -> dict[str, ScheduledInvocation]:
    """Return the scheduled invocations, by logical name."""
    schedule_properties = {
        name: resource["Properties"]
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::Scheduler::Schedule"
    }
    return {
        name: ScheduledInvocation(
            find_target(resource["Target"]["Arn"]),
            find_target(resource["Target"]["RoleArn"]),
            resource["Target"]["Input"],
            str(resource["ScheduleExpression"]),
        )
        for name, resource in schedule_properties.items()
    }
