"""Progress that nobody looks at."""


class Unwatched:
    """A `Progress` that says nothing."""

    def expect(self, what: str, count: int) -> None:
        """Say nothing."""

    def done(self, what: str) -> None:
        """Say nothing."""
