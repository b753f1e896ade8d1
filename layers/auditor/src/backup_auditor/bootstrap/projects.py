"""Which projects there are on AWS: from the settings, or from the registry in SSM or S3."""

from dataclasses import replace

from backup_auditor.adapters.remembered import Reading
from backup_auditor.domain.alerting.channel import Channel, ChannelKind
from backup_auditor.domain.registry import Registry
from backup_auditor.settings.registration import Registration

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


def _read(registration: Registration, address: str, documents: Reading[bytes], *, fresh: bool) -> Registry:
    from backup_auditor.adapters.registry.entries import Usual  # noqa: PLC0415  one project needs no YAML
    from backup_auditor.adapters.registry.reading import parse_registry  # noqa: PLC0415

    usual = Usual(registration.channels, registration.policy, registration.tells_all_is_well)
    return parse_registry(documents(address, fresh=fresh), address, usual).on_aws()


def _with_events(registry: Registry) -> Registry:
    return replace(registry, projects=tuple(replace(it, channels=(EVENTS, *it.channels)) for it in registry.projects))
