"""The application's stack, created from its built template in moto's CloudFormation, and read back from there."""

import ast
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from cloud.aws import Aws
from cloud.clients import client
from cloud.function import Function
from cloud.iam import Statement, statements_of
from cloud.templates import read_template, transformed, unknown_to_moto, without

NAME = "backup-auditor"
_LAYER = "AWS::Lambda::LayerVersion"


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


@dataclass(frozen=True, slots=True)
class Stack:
    """What was created, by the logical names of the template."""

    template: Mapping[str, Any]
    """As it was transformed."""
    stripped: Mapping[str, str]
    """What moto could not make, and its type."""
    physical: Mapping[str, str]
    functions: Mapping[str, Function]
    statements: Mapping[str, tuple[Statement, ...]]
    """What each role allows."""
    schedules: Mapping[str, Schedule]
    denials: tuple[Statement, ...]
    """What the policies of resources deny to everybody; moto keeps none of them."""

    def of_type(self, wanted: str) -> dict[str, Mapping[str, Any]]:
        """Return the properties of the resources of a type."""
        resources = self.template["Resources"].items()
        return {name: it.get("Properties", {}) for name, it in resources if it["Type"] == wanted}

    def function_of(self, arn: str) -> str:
        """Return the logical name of a function."""
        return next(name for name, it in self.functions.items() if it.arn == arn)


def create(aws: Aws, build: Build, parameters: Mapping[str, str], variables: Mapping[str, str]) -> Stack:
    """Create the stack; `variables` is what tests put into the environment of every function besides."""
    template = transformed(read_template(build.template), parameters)
    stripped = unknown_to_moto(template)
    _package(aws, template)
    formation = client("cloudformation", aws.endpoint)
    formation.create_stack(
        StackName=NAME,
        TemplateBody=json.dumps(without(template, stripped)),
        Parameters=[{"ParameterKey": name, "ParameterValue": it} for name, it in parameters.items()],
        Capabilities=["CAPABILITY_IAM"],
    )
    found = formation.describe_stack_resources(StackName=NAME)["StackResources"]
    physical = {it["LogicalResourceId"]: it.get("PhysicalResourceId", NAME) for it in found}
    made = _Made(aws, template, physical, build)
    functions = {name: made.function(name, variables) for name in made.of_type("AWS::Lambda::Function")}
    statements = {name: _statements(aws, physical[name]) for name in made.of_type("AWS::IAM::Role")}
    denials = statements_of(made.policy_of_bucket(name) for name in made.of_type("AWS::S3::BucketPolicy"))
    return Stack(template, stripped, physical, functions, statements, _schedules(template), denials)


def target_of(value: Any) -> str:
    """Return the logical name that `Ref` or `Fn::GetAtt` names."""
    argument = value.get("Ref") or value["Fn::GetAtt"]
    return str(argument[0] if isinstance(argument, list) else argument)


def _package(aws: Aws, template: Mapping[str, Any]) -> None:
    """Put something in the place of each artefact; what runs is taken from the folders themselves."""
    s3 = client("s3", aws.endpoint)
    s3.create_bucket(Bucket="packaged", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    empty = io.BytesIO()
    with zipfile.ZipFile(empty, "w") as archive:
        archive.writestr("app.py", "")
    for name in template["Resources"]:
        s3.put_object(Bucket="packaged", Key=f"{name}.zip", Body=empty.getvalue())
    # the transformation adds a hash of the content to the name of a layer
    for it in template["Resources"].values():
        if it["Type"] == _LAYER:
            s3.put_object(Bucket="packaged", Key=it["Properties"]["Content"]["S3Key"], Body=empty.getvalue())


@dataclass(frozen=True, slots=True)
class _Made:
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


def _statements(aws: Aws, role: str) -> tuple[Statement, ...]:
    iam = client("iam", aws.endpoint)
    attached = iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
    if attached:
        raise NotImplementedError(f"{role} has managed policies, whose statements nobody knows here")
    names = iam.list_role_policies(RoleName=role)["PolicyNames"]
    found = (iam.get_role_policy(RoleName=role, PolicyName=it)["PolicyDocument"] for it in names)
    # moto's CloudFormation makes the text of a document as Python would write it, and `None` of what is left out
    return statements_of(ast.literal_eval(it) for it in found)


def _schedules(template: Mapping[str, Any]) -> dict[str, Schedule]:
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
