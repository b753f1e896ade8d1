"""Control `index-has-required-tags`."""

import pytest

from backup_auditor.domain.finding import Compliance
from support.builders.facts import compliance, finding, index

ID = "index-has-required-tags"


@pytest.mark.parametrize(
    "tags,required,expected",
    [
        pytest.param({"env": "prod", "team": ""}, ("env", "team"), Compliance.COMPLIANT, id="all"),
        pytest.param({"env": "prod"}, ("env", "team"), Compliance.NON_COMPLIANT, id="one-missing"),
        pytest.param({"Env": "prod"}, ("env",), Compliance.NON_COMPLIANT, id="another-case"),
        pytest.param({}, (), Compliance.NOT_APPLICABLE, id="none-required"),
    ],
)
def test_the_required_tags_are_there(tags: dict[str, str], required: tuple[str, ...], expected: Compliance) -> None:
    """Whatever their values."""
    assert compliance(ID, index(tags=tags), required_tags=required) is expected


def test_the_missing_ones_are_named() -> None:
    """In the order of the policy."""
    found = finding(ID, index(tags={"env": "prod"}), required_tags=("team", "env", "cost"))
    assert found.evidence["missing"] == ["team", "cost"]
