"""Which projects there are on AWS, and the policy of each: from settings, SSM and S3."""

from dataclasses import replace

from backup_auditor.adapters.remembered import Reading
from backup_auditor.domain.alerting.channel import Channel, ChannelKind
from backup_auditor.domain.policy import Policy
from backup_auditor.domain.registry import RegisteredProject, Registry
from backup_auditor.errors import PolicyError
from backup_auditor.settings.functions import Registration

EVENTS = Channel(ChannelKind.EVENTS, "")


def projects_of(
    registration: Registration, documents: Reading[bytes], *, wanted: str | None = None, fresh: bool = False
) -> Registry:
    """Return the registered projects, each with the channel of the events first.

    A registry that is remembered is read afresh where it has no project that is `wanted`: it may be new there.
    Raises `RegistryError` and `DocumentError`.
    """
    if registration.document is None:
        projects = () if registration.only is None else (registration.only,)
        return _with_events(Registry(projects))
    registry = _read(registration, registration.document, documents, fresh=fresh)
    if not fresh and wanted is not None and all(wanted != it.name for it in registry.projects):
        registry = _read(registration, registration.document, documents, fresh=True)
    return _with_events(registry)


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


def _read(registration: Registration, address: str, documents: Reading[bytes], *, fresh: bool) -> Registry:
    from backup_auditor.adapters.registry.entries import Usual  # noqa: PLC0415  one project needs no YAML
    from backup_auditor.adapters.registry.reading import parse_registry  # noqa: PLC0415

    usual = Usual(registration.channels, registration.policy, registration.tells_all_is_well)
    return parse_registry(documents(address, fresh=fresh), address, usual).on_aws()


def _with_events(registry: Registry) -> Registry:
    return replace(registry, projects=tuple(replace(it, channels=(EVENTS, *it.channels)) for it in registry.projects))
