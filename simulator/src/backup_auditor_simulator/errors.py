"""The one error of the simulated service: an answer that says no."""


class ApiError(Exception):
    """The service refuses a call, with the status, code and message it answers."""

    def __init__(self, status: int, code: str, message: str) -> None:
        """Hold what the answer says."""
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def build_bad_request_error(message: str) -> ApiError:
    """Make a 400."""
    return ApiError(400, "INVALID_ARGUMENT", message)


def build_unprocessable_error(message: str) -> ApiError:
    """Make a 422: a body that does not have the shape of the call."""
    text = f"Failed to deserialize the JSON body into the target type: {message}"
    return ApiError(422, "UNPROCESSABLE_ENTITY", text)


def build_not_found_error(resource: str) -> ApiError:
    """Make a 404."""
    return ApiError(404, "NOT_FOUND", f"{resource} not found.")


def build_conflict_error(message: str) -> ApiError:
    """Make a 409."""
    return ApiError(409, "ALREADY_EXISTS", message)


def build_permission_error(message: str) -> ApiError:
    """Make a 403 that speaks of a permission or of the plan."""
    return ApiError(403, "PERMISSION_DENIED", message)


def build_forbidden_error(message: str) -> ApiError:
    """Make a 403 that speaks of a quota or of a protection."""
    return ApiError(403, "FORBIDDEN", message)


def build_precondition_error(message: str) -> ApiError:
    """Make a 412."""
    return ApiError(412, "FAILED_PRECONDITION", message)
