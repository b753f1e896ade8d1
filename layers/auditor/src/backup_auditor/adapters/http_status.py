"""Which HTTP statuses are worth another attempt. It is the one place that says so, for every service that is called."""

_TIMEOUT, _TOO_MANY, _NOT_IMPLEMENTED, _VERSION_NOT_SUPPORTED = 408, 429, 501, 505
_FIRST_SERVER_ERROR, _LAST_SERVER_ERROR = 500, 599


def is_transient(status: int) -> bool:
    """Tell whether the same request may succeed later: 408, 429, and every 5xx but 501 and 505.

    The 5xx include 520 to 530, by which gateways report that the service behind them failed.
    """
    if status in {_NOT_IMPLEMENTED, _VERSION_NOT_SUPPORTED}:
        return False
    return status in {_TIMEOUT, _TOO_MANY} or _FIRST_SERVER_ERROR <= status <= _LAST_SERVER_ERROR
