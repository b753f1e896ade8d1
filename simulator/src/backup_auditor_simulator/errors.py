"""The one error of the simulated service: an answer that refuses a call."""

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
    """The service refuses a call, with the status, code and message it answers."""

    def __init__(self, status: int, message: str, code: str | None = None) -> None:
        """Hold what the answer says; the code is that of the status unless another is given."""
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code or ERROR_CODES.get(status, "UNKNOWN")
