"""What the tests of forms share."""

import pytest

from support.approval import Approve, make_approve


@pytest.fixture
def approve(request: pytest.FixtureRequest) -> Approve:
    """Return what holds a form against its golden file."""
    return make_approve(request.config)
