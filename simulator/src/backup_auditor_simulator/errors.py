"""The one error of the simulated service: an answer that says no."""


class RefusedError(Exception):
    """The service refuses a call, with the status, code and message it answers."""

    def __init__(self, status: int, code: str, message: str) -> None:
        """Hold what the answer says."""
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def invalid(message: str) -> RefusedError:
    """Make a 400."""
    return RefusedError(400, "INVALID_ARGUMENT", message)


def unreadable(message: str) -> RefusedError:
    """Make a 422: a body that does not have the shape of the call."""
    text = f"Failed to deserialize the JSON body into the target type: {message}"
    return RefusedError(422, "UNPROCESSABLE_ENTITY", text)


def not_found(what: str) -> RefusedError:
    """Make a 404."""
    return RefusedError(404, "NOT_FOUND", f"{what} not found.")


def already_exists(message: str) -> RefusedError:
    """Make a 409."""
    return RefusedError(409, "ALREADY_EXISTS", message)


def denied(message: str) -> RefusedError:
    """Make a 403 that speaks of a permission or of the plan."""
    return RefusedError(403, "PERMISSION_DENIED", message)


def forbidden(message: str) -> RefusedError:
    """Make a 403 that speaks of a quota or of a protection."""
    return RefusedError(403, "FORBIDDEN", message)


def precondition_failed(message: str) -> RefusedError:
    """Make a 412."""
    return RefusedError(412, "FAILED_PRECONDITION", message)
