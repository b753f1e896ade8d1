"""What the tests of forms share."""

import pytest

from support.approval import Approve, approving


@pytest.fixture
def approve(request: pytest.FixtureRequest) -> Approve:
    """Return what holds a form against its golden file."""
    return approving(request.config)
