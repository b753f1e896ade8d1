"""What moto made of a template, read back; what it dropped is the template's own."""

import ast
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from support.aws_local.aws import Aws
from support.aws_local.clients import client
from support.aws_local.function import Function
from support.aws_local.iam import Statement, statements_of


@dataclass(frozen=True, slots=True)
class Build:
    """Where built artefacts are."""

    template: Path
    """As `sam build` wrote it."""
    layer: Path
    """The layer, built for the machine that the tests run on."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """What EventBridge Scheduler does by the clock."""

    function: str
    """The logical name of what it starts."""
    role: str
    event: str
    """As it stands in the template, attributes of the context not yet put in."""
    expression: str


def target_of(value: Any) -> str:
    """Return the logical name that `Ref` or `Fn::GetAtt` names."""
    argument = value.get("Ref") or value["Fn::GetAtt"]
    return str(argument[0] if isinstance(argument, list) else argument)


@dataclass(frozen=True, slots=True)
class Made:
    """What moto made of the template, and what it dropped of it."""

    aws: Aws
    template: Mapping[str, Any]
    physical: Mapping[str, str]
    build: Build

    def of_type(self, wanted: str) -> list[str]:
        """Return the logical names of a type."""
        return [name for name, it in self.template["Resources"].items() if it["Type"] == wanted]

    def function(self, name: str, more: Mapping[str, str]) -> Function:
        """Read a function back; dead letters, layers and the format of logs are the template's."""
        made = client("lambda", self.aws.endpoint).get_function_configuration(FunctionName=self.physical[name])
        properties = self.template["Resources"][name]["Properties"]
        invoke = self._invoke_config(name)
        queue = invoke.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
        variables = {**made["Environment"]["Variables"], **more}
        return Function(
            name=made["FunctionName"],
            arn=made["FunctionArn"],
            role=target_of(properties["Role"]),
            handler=made["Handler"],
            task=self.build.template.parent / name,
            layers=(self.build.layer,) if properties.get("Layers") else (),
            variables={key: str(it) for key, it in variables.items()},
            timeout=timedelta(seconds=made["Timeout"]),
            memory=made["MemorySize"],
            logs_json=properties.get("LoggingConfig", {}).get("LogFormat") == "JSON",
            retries=int(invoke.get("MaximumRetryAttempts", 2)),
            dead_letters=self.physical[target_of(queue)] if queue else None,
        )

    def policy_of_bucket(self, name: str) -> Any:
        """Return what the policy of a bucket denies, with the bucket's ARN put in."""
        properties = self.template["Resources"][name]["Properties"]
        bucket = target_of(properties["Bucket"])
        arn = f"arn:aws:s3:::{self.physical[bucket]}"
        text = json.dumps(properties["PolicyDocument"])
        for said, meant in ((f'{{"Fn::GetAtt": ["{bucket}", "Arn"]}}', f'"{arn}"'), (f"${{{bucket}.Arn}}", arn)):
            text = text.replace(said, meant)
        return json.loads(text.replace('{"Fn::Sub": "arn:aws:s3', '{"": "arn:aws:s3'), object_hook=_unpacked)

    def _invoke_config(self, function: str) -> Mapping[str, Any]:
        configs = (
            self.template["Resources"][it]["Properties"] for it in self.of_type("AWS::Lambda::EventInvokeConfig")
        )
        return next((it for it in configs if target_of(it["FunctionName"]) == function), {})


def _unpacked(value: dict[str, Any]) -> Any:
    return value.get("", value)


def statements_in(aws: Aws, role: str) -> tuple[Statement, ...]:
    """Return what a role allows, by its physical name."""
    iam = client("iam", aws.endpoint)
    attached = iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
    if attached:
        raise NotImplementedError(f"{role} has managed policies, whose statements nobody knows here")
    names = iam.list_role_policies(RoleName=role)["PolicyNames"]
    found = (iam.get_role_policy(RoleName=role, PolicyName=it)["PolicyDocument"] for it in names)
    # moto's CloudFormation makes the text of a document as Python would write it, and `None` of what is left out
    return statements_of(ast.literal_eval(it) for it in found)


def schedules_in(template: Mapping[str, Any]) -> dict[str, Schedule]:
    """Return what the clock starts, by logical names."""
    found = {
        name: it["Properties"] for name, it in template["Resources"].items() if it["Type"] == "AWS::Scheduler::Schedule"
    }
    return {
        name: Schedule(
            target_of(it["Target"]["Arn"]),
            target_of(it["Target"]["RoleArn"]),
            it["Target"]["Input"],
            str(it["ScheduleExpression"]),
        )
        for name, it in found.items()
    }
