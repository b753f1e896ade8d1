"""Examine a stack on AWS with the permissions of its operator. Nothing is changed."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from itertools import batched
from typing import Any

from backup_auditor.adapters.aws.session import AwsSession, describe_error, get_error_code
from backup_auditor.errors import StackError
from backup_auditor.ports.messaging import Subscriptions
from backup_auditor.ports.stack import Alarm, StackParts

_MAX_ALARMS = 100
"""The limit of names in one call."""
_INVOCATION_SECONDS = 920.0
"""Longer than any function runs."""
_ALARM_TYPES = ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")
_ALARM_IN_RULE = re.compile(r"""(?:ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*(["']?)(?:arn:.+?:alarm:)?(.+?)\1\s*\)""")
_REMEDIES = {
    "AccessDenied": "allow your role to call {action}",
    "AccessDeniedException": "allow your role to call {action}",
    "AuthorizationError": "allow your role to call {action}",
    "ValidationError": "correct the name, or check AWS_PROFILE and AWS_REGION",
    "ResourceNotFoundException": "deploy the stack again",
    "ExpiredToken": "renew the AWS credentials",
    "ExpiredTokenException": "renew the AWS credentials",
    "InvalidClientTokenId": "check the AWS credentials",
    "UnrecognizedClientException": "check the AWS credentials",
    "SignatureDoesNotMatch": "check the AWS credentials and the clock",
    "InvalidSignatureException": "check the AWS credentials and the clock",
    "KMSAccessDeniedException": "allow the role of the function to use the KMS key of its settings",
}


class CloudFormationStack:
    """A `DeployedStack` of CloudFormation. Safe to use from many threads."""

    def __init__(self, session: AwsSession, name: str) -> None:
        """Take the session of the operator, and the name or the ARN of the stack."""
        self._name = name
        self._session = session

    def load_parts(self) -> StackParts:
        """Return the parts of the stack."""
        subject = f"the stack {self._name}"
        with _translate_errors(subject, "cloudformation:DescribeStacks"):
            cloudformation = self._session.create_client("cloudformation")
            (stack,) = cloudformation.describe_stacks(StackName=self._name)["Stacks"]
        with _translate_errors(subject, "cloudformation:ListStackResources"):
            pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=self._name)
            resources = [it for page in pages for it in page["StackResourceSummaries"] if "PhysicalResourceId" in it]
        names = {
            it["LogicalResourceId"].removesuffix("Function").lower(): it["PhysicalResourceId"]
            for it in resources
            if it["ResourceType"] == "AWS::Lambda::Function"
        }
        return StackParts(
            name=stack["StackName"],
            account=stack["StackId"].split(":")[4],
            status=stack["StackStatus"],
            functions=names,
            alarms=_list_ids(resources, *_ALARM_TYPES),
            schedules=_list_ids(resources, "AWS::Scheduler::Schedule"),
            outputs={it["OutputKey"]: it["OutputValue"] for it in stack.get("Outputs", ())},
        )

    def invoke(self, function: str, payload: Mapping[str, object]) -> object:
        """Invoke a function once and return its answer."""
        with _translate_errors(f"the function {function}", "lambda:InvokeFunction"):
            response = self._lambda.invoke(FunctionName=function, Payload=json.dumps(payload).encode())
            content = response["Payload"].read()
        try:
            answer = json.loads(content)
        except ValueError:
            raise StackError(f"the function {function} returned no JSON; read its log") from None
        if "FunctionError" in response:
            error = answer.get("errorMessage") if isinstance(answer, dict) else None
            raise StackError(f"the function {function} failed ({error or 'no reason given'}); read its log")
        return answer

    def list_alarms(self, names: Sequence[str]) -> list[Alarm]:
        """Return those of the alarms that exist."""
        alarms = []
        with _translate_errors("the alarms", "cloudwatch:DescribeAlarms"):
            cloudwatch = self._session.create_client("cloudwatch")
            for batch in batched(names, _MAX_ALARMS, strict=False):
                response = cloudwatch.describe_alarms(
                    AlarmNames=list(batch), AlarmTypes=["CompositeAlarm", "MetricAlarm"], MaxRecords=_MAX_ALARMS
                )
                alarms += [
                    Alarm(
                        it["AlarmName"],
                        bool(it["ActionsEnabled"] and it["AlarmActions"]),
                        frozenset(name for _, name in _ALARM_IN_RULE.findall(it.get("AlarmRule", ""))),
                    )
                    for it in (*response["MetricAlarms"], *response["CompositeAlarms"])
                ]
        return alarms

    def list_enabled_schedules(self, group: str) -> frozenset[str]:
        """Return the names of the enabled schedules in a group."""
        with _translate_errors("the schedules", "scheduler:ListSchedules"):
            pages = self._session.create_client("scheduler").get_paginator("list_schedules").paginate(GroupName=group)
            return frozenset(it["Name"] for page in pages for it in page["Schedules"] if it["State"] == "ENABLED")

    def count_messages(self, queue_url: str) -> int:
        """Return the number of messages in a queue."""
        with _translate_errors("the dead-letter queue", "sqs:GetQueueAttributes"):
            response = self._session.create_client("sqs").get_queue_attributes(
                QueueUrl=queue_url, AttributeNames=["ApproximateNumberOfMessages"]
            )
            return int(response["Attributes"]["ApproximateNumberOfMessages"])

    def count_subscriptions(self, topic: str) -> Subscriptions:
        """Return how many subscriptions a topic has."""
        with _translate_errors(f"the topic {topic}", "sns:GetTopicAttributes"):
            attributes = self._session.sns.get_topic_attributes(TopicArn=topic)["Attributes"]
            return Subscriptions(int(attributes["SubscriptionsConfirmed"]), int(attributes["SubscriptionsPending"]))

    @cached_property
    def _lambda(self) -> Any:  # noqa: ANN401  its stubs are not installed
        return self._session.create_client("lambda", attempts=1, read_seconds=_INVOCATION_SECONDS)


def _list_ids(resources: Sequence[Mapping[str, Any]], *types: str) -> tuple[str, ...]:
    """Return the names of the resources of some types. The id of a schedule begins with the name of its group."""
    ids = (str(it["PhysicalResourceId"]) for it in resources if it["ResourceType"] in types)
    return tuple(sorted(it.rpartition("|")[2] for it in ids))


@contextmanager
def _translate_errors(subject: str, action: str) -> Iterator[None]:
    """Translate errors of AWS into `StackError`, with the missing permission."""
    from botocore import exceptions  # noqa: PLC0415  imported when AWS is called
    from botocore.parsers import ResponseParserError  # noqa: PLC0415  as above

    try:
        yield
    except exceptions.ClientError as error:
        remedy = _REMEDIES.get(get_error_code(error), "try again later").format(action=action)
        raise StackError(f"{subject} cannot be examined: {describe_error(error)}; {remedy}") from None
    except ResponseParserError:
        raise StackError(
            f"{subject} cannot be examined: the response is not one of AWS; check the proxy and AWS_ENDPOINT_URL"
        ) from None
    except exceptions.BotoCoreError as error:
        is_network = isinstance(error, exceptions.HTTPClientError | exceptions.ConnectionError)
        remedy = (
            "check the network, and try again" if is_network else "check AWS_REGION, AWS_PROFILE and the credentials"
        )
        raise StackError(f"{subject} cannot be examined: {describe_error(error)}; {remedy}") from None
