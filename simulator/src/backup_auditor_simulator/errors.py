"""The error of the simulated service: a refused call."""

ERROR_CODES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    402: "PAYMENT_REQUIRED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    408: "DEADLINE_EXCEEDED",
    409: "ALREADY_EXISTS",
    412: "FAILED_PRECONDITION",
    422: "UNPROCESSABLE_ENTITY",
    429: "RESOURCE_EXHAUSTED",
    503: "SERVICE_UNAVAILABLE",
}


class ApiError(Exception):
    """The service refused a call. It has the status, code and message of the answer."""

    def __init__(self, status: int, message: str, code: str | None = None) -> None:
        """Take the parts of the answer; the default code is that of the status."""
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code or ERROR_CODES.get(status, "UNKNOWN")
