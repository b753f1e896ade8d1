"""What it means for a message that a call of AWS failed."""

from backup_auditor.adapters.http_status import is_transient
from backup_auditor.domain.text import join_lines
from backup_auditor.errors import AcceptanceUnknownError, ChannelRefusedError, DeliveryError

_LONGEST = 300


def failure_of(error: Exception, what: str, remedy: str) -> DeliveryError:
    """Return what a call's exception says of the message; `what` begins the sentence, `remedy` ends a refusal.

    A transient status says that it was not accepted. Where no answer came, only who never connected knows that.
    """
    from botocore import exceptions as told  # noqa: PLC0415  it is there once a call has failed

    if isinstance(error, told.ClientError):
        code, text = error.response["Error"].get("Code", ""), error.response["Error"].get("Message", "")
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        why = _line(f"{what}: {code}: {text}")
        if is_transient(status) or "Throttl" in code:
            return DeliveryError(why)
        return ChannelRefusedError(f"{why}; {remedy}")
    if isinstance(error, told.EndpointConnectionError | told.ConnectTimeoutError | told.ProxyConnectionError):
        return DeliveryError(f"{what}: AWS cannot be reached ({type(error).__name__})")
    if isinstance(error, told.BotoCoreError) and not isinstance(error, told.HTTPClientError):  # before it was sent
        return ChannelRefusedError(_line(f"{what}: {type(error).__name__}: {error}") + f"; {remedy}")
    return AcceptanceUnknownError(f"{what}: the answer was lost, or is none ({type(error).__name__})")


def _line(text: str) -> str:
    return join_lines(text)[:_LONGEST]
