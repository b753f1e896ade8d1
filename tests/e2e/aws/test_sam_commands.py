"""Test the documented commands of the SAM CLI, as far as they work without AWS and without containers."""

import json
import os
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

from backup_auditor.settings.functions import read_function_settings
from build_package import BUILD_FOLDER, ROOT, write_package
from support.aws.moto import REGION, serve_moto
from support.aws.template import FUNCTIONS, name_function
from support.aws_local.clients import open_client
from support.aws_local.templates import read_template

SAM_FOLDER = ROOT / ".tools" / "sam" / "bin"
BUCKET = "deployments"
PAGE = (ROOT / "docs" / "get-started" / "aws.md").read_text(encoding="utf-8")
BUCKET_STACK = {
    "Resources": {"Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": BUCKET}}},
    "Outputs": {"SourceBucket": {"Value": {"Ref": "Bucket"}}},
}
"""What the SAM CLI creates first for its uploads; moto cannot create the policy in it."""
RESOLVED_VARIABLES_SCRIPT = """
import json
from samcli.commands.local.lib.local_lambda import LocalLambdaRunner
from samcli.lib.providers.sam_function_provider import SamFunctionProvider
from samcli.lib.providers.sam_stack_provider import SamLocalStackProvider
with open("events/env.sample.json") as file:
    overrides = json.load(file)
provider = SamFunctionProvider(SamLocalStackProvider.get_stacks("template.yaml")[0])
runner = LocalLambdaRunner(None, provider, ".", real_path=".", env_vars_values=overrides)
print(json.dumps({it.name: runner._make_env_vars(it).resolve() for it in provider.get_all()}))
"""


def run_sam(*arguments: str, cwd: Path, program: str = "sam", **variables: str) -> "subprocess.CompletedProcess[str]":
    """Run a program of the SAM CLI's environment; answer each of its questions with the default."""
    environment = {**os.environ, "SAM_CLI_TELEMETRY": "0", "AWS_EC2_METADATA_DISABLED": "true", **variables}
    return subprocess.run(
        [SAM_FOLDER / program, *arguments],
        cwd=cwd,
        env=environment,
        input="\n" * 100,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def find_command(start: str) -> list[str]:
    """Return the words of the documented command that starts like this."""
    [command] = re.findall(rf"^ *({re.escape(start)}[^#&\n]*)", PAGE, flags=re.MULTILINE)
    return str(command).split()


def test_the_package_is_uploaded_without_a_build(tmp_path: Path) -> None:
    """`package`, which the AWS CLI has too, uploads each folder of the package's template."""
    package = write_package(BUILD_FOLDER, tmp_path)
    with zipfile.ZipFile(package) as archive:
        archive.extractall(tmp_path)
    folder = tmp_path / package.stem
    with serve_moto() as variables:
        s3 = open_client("s3", variables["AWS_ENDPOINT_URL"])
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        arguments = ("--s3-bucket", BUCKET, "--output-template-file", "packaged.yaml", "--no-progressbar")
        process = run_sam("package", "--template-file", "template.yaml", *arguments, cwd=folder, **variables)
        assert process.returncode == 0, process.stderr
        uploaded = {it["Key"] for it in s3.list_objects_v2(Bucket=BUCKET)["Contents"]}
    resources = read_template(folder / "packaged.yaml")["Resources"].values()
    addresses = [
        it["Properties"].get("CodeUri") or it["Properties"].get("ContentUri")
        for it in resources
        if it["Type"] in {"AWS::Serverless::Function", "AWS::Serverless::LayerVersion"}
    ]
    assert len(addresses) == len(FUNCTIONS) + 1
    assert {it.removeprefix(f"s3://{BUCKET}/") for it in addresses} <= uploaded


def test_the_answers_are_written_into_a_file_that_git_ignores(tmp_path: Path) -> None:
    """`sam deploy --guided`, as documented, writes its answers into another file than the tracked one."""
    for name in ("template.yaml", "samconfig.toml"):
        shutil.copy(ROOT / name, tmp_path)
    tracked = (tmp_path / "samconfig.toml").read_text(encoding="utf-8")
    subprocess.run(find_command("cp samconfig.toml"), cwd=tmp_path, check=True)
    local = tmp_path / "samconfig.local.toml"
    _, *arguments = find_command("sam deploy --guided")
    with serve_moto() as variables:
        open_client("cloudformation", variables["AWS_ENDPOINT_URL"]).create_stack(
            StackName="aws-sam-cli-managed-default",
            TemplateBody=json.dumps(BUCKET_STACK),
            Tags=[{"Key": "ManagedStackSource", "Value": "AwsSamCli"}],
        )
        process = run_sam(*arguments, cwd=tmp_path, **variables)
    assert "Saved arguments to config file" in process.stdout, process.stderr
    assert (tmp_path / "samconfig.toml").read_text(encoding="utf-8") == tracked
    answers = local.read_text(encoding="utf-8")
    assert 'ProjectName=\\"default\\"' in answers
    assert 'stack_name = "backup-auditor"' in answers
    assert local.name in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()


def test_the_sample_of_variables_gives_valid_settings() -> None:
    """With the sample, the SAM CLI gives each function valid settings, without logical names of resources."""
    process = run_sam("-c", RESOLVED_VARIABLES_SCRIPT, cwd=ROOT, program="python")
    assert process.returncode == 0, process.stderr
    variables_by_function = json.loads(process.stdout)
    assert set(variables_by_function) == {name_function(it) for it in FUNCTIONS}
    resource_names = set(read_template(ROOT / "template.yaml")["Resources"])
    for verb in FUNCTIONS:
        variables = variables_by_function[name_function(verb)]
        assert [name for name, it in variables.items() if it in resource_names and "LAMBDA" not in name] == []
        assert read_function_settings(verb, variables).registration.single_project


def test_a_local_invocation_only_lacks_a_container() -> None:
    """The documented local invocation reaches the container runtime, which is missing here."""
    _, *arguments = find_command("sam local invoke")
    process = run_sam(*arguments, cwd=ROOT, DOCKER_HOST="unix:///nowhere/docker.sock")
    assert process.returncode != 0
    assert "container runtime" in process.stderr


def test_a_build_without_the_lock_names_the_cause(tmp_path: Path) -> None:
    """A build in a container, which does not mount the lock, ends with an error that has the remedy."""
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    process = subprocess.run(
        [tmp_path / "scripts" / "build-layer", tmp_path / "out"], capture_output=True, text=True, check=False
    )
    assert process.returncode == 1
    assert "sam build --use-container does not mount it" in process.stderr
    assert not (tmp_path / "out").exists()
