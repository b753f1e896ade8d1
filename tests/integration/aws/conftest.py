"""AWS on loopback for the tests of a module."""

from collections.abc import Iterator, Mapping

import pytest

from support.aws.moto import serve_moto


@pytest.fixture(scope="module")
def aws_variables() -> Iterator[Mapping[str, str]]:
    """Serve AWS while the tests of this module run."""
    with serve_moto() as environ:
        yield environ
