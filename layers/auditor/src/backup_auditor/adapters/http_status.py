"""Decide which HTTP statuses are transient, for every service that the project calls."""

_TIMEOUT, _TOO_MANY, _NOT_IMPLEMENTED, _VERSION_NOT_SUPPORTED = 408, 429, 501, 505
_FIRST_SERVER_ERROR, _LAST_SERVER_ERROR = 500, 599


def is_transient(status: int) -> bool:
    """Return whether the same request may succeed later: 408, 429, and every 5xx except 501 and 505.

    The 5xx include 520 to 530: gateways use them when the service behind them failed.
    """
    if status in {_NOT_IMPLEMENTED, _VERSION_NOT_SUPPORTED}:
        return False
    return status in {_TIMEOUT, _TOO_MANY} or _FIRST_SERVER_ERROR <= status <= _LAST_SERVER_ERROR
