"""The application's stack, created from its built template in moto's CloudFormation, and read back from there."""

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from support.aws_local.aws import Aws
from support.aws_local.clients import client
from support.aws_local.created_template import Build, Made, Schedule, schedules_in, statements_in
from support.aws_local.function import Function
from support.aws_local.iam import Statement, statements_of
from support.aws_local.templates import read_template, transformed, unknown_to_moto, without

NAME = "backup-auditor"
_LAYER = "AWS::Lambda::LayerVersion"


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
    if not (build.template.exists() and build.layer.exists()):
        raise FileNotFoundError("the application is not built, or not for this machine; make build does both")
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
    made = Made(aws, template, physical, build)
    functions = {name: made.function(name, variables) for name in made.of_type("AWS::Lambda::Function")}
    statements = {name: statements_in(aws, physical[name]) for name in made.of_type("AWS::IAM::Role")}
    denials = statements_of(made.policy_of_bucket(name) for name in made.of_type("AWS::S3::BucketPolicy"))
    return Stack(template, stripped, physical, functions, statements, schedules_in(template), denials)


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
