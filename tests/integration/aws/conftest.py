"""AWS on loopback, for the tests of each module that ask for it."""

from collections.abc import Iterator, Mapping

import pytest

from support.aws.moto import moto_served


@pytest.fixture(scope="module")
def served() -> Iterator[Mapping[str, str]]:
    """Serve AWS while the tests of this module run."""
    with moto_served() as environ:
        yield environ
