"""The policy of a project on AWS: from SSM, from S3, or the built-in one."""

from backup_auditor.adapters.remembered import Reading
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.registry import RegisteredProject
from backup_auditor.errors import PolicyError


def policy_of(project: RegisteredProject, documents: Reading[bytes]) -> Policy:
    """Return the policy of a project. One that does not hold is read afresh: it may be corrected by now.

    Raises `PolicyError` and `DocumentError`.
    """
    from backup_auditor.adapters.policy_file.loading import built_in_policy, parse_policy  # noqa: PLC0415  pydantic

    if project.policy is None:
        return built_in_policy()
    try:
        return parse_policy(documents(project.policy), project.policy)
    except PolicyError:
        return parse_policy(documents(project.policy, fresh=True), project.policy)
