"""Control `index-has-required-tags`."""

import pytest

from backup_auditor.domain.finding import Compliance
from support.builders.facts import build_index, evaluate_compliance, evaluate_control

ID = "index-has-required-tags"


@pytest.mark.parametrize(
    "tags,required_tags,expected",
    [
        pytest.param({"env": "prod", "team": ""}, ("env", "team"), Compliance.COMPLIANT, id="all"),
        pytest.param({"env": "prod"}, ("env", "team"), Compliance.NON_COMPLIANT, id="one-missing"),
        pytest.param({"Env": "prod"}, ("env",), Compliance.NON_COMPLIANT, id="another-case"),
        pytest.param({}, (), Compliance.NOT_APPLICABLE, id="none-required"),
    ],
)
def test_the_required_tags_are_there(
    tags: dict[str, str], required_tags: tuple[str, ...], expected: Compliance
) -> None:
    """The values of the tags do not matter."""
    assert evaluate_compliance(ID, build_index(tags=tags), required_tags=required_tags) is expected


def test_the_missing_ones_are_named() -> None:
    """The missing tags are in the order of the policy."""
    finding = evaluate_control(ID, build_index(tags={"env": "prod"}), required_tags=("team", "env", "cost"))
    assert finding.evidence["missing"] == ["team", "cost"]
