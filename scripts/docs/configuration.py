"""Generate the tables of environment variables, and of the stack's parameters and outputs."""

from typing import Any

from backup_auditor.settings import pinecone, variables
from backup_auditor.settings.variables import Variable
from docs.markdown import table
from docs.template import template


def list_variables() -> str:
    """Return the table of the variables that the command line reads."""
    return table(("variable", "default", "meaning"), map(_cells, pinecone.COMMAND_VARIABLES))


def list_function_variables() -> str:
    """Return the table of the variables that only the functions on AWS read."""
    rows = ((*_cells(it), _readers(it)) for it in variables.FUNCTION_VARIABLES)
    return table(("variable", "default", "meaning", "read by"), rows)


def list_stack_parameters() -> str:
    """Return one table of the stack's parameters for each group that the console shows."""
    interface = template()["Metadata"]["AWS::CloudFormation::Interface"]
    parts = []
    for group in interface["ParameterGroups"]:
        rows = (_parameter(name) for name in group["Parameters"])
        parts.append(f"### {group['Label']['default']}\n\n{table(('parameter', 'default', 'meaning'), rows)}")
    return "\n".join(parts)


def list_stack_outputs() -> str:
    """Return the table of the stack's outputs."""
    rows = ((f"`{name}`", it["Description"]) for name, it in template()["Outputs"].items())
    return table(("output", "meaning"), rows)


def _cells(it: Variable) -> tuple[str, str, str]:
    return f"`{it.name}`", f"`{it.default}`" if it.default else "none", it.meaning


def _readers(it: Variable) -> str:
    return ", ".join(f"`{name}`" for name, read in variables.VARIABLES_BY_FUNCTION.items() if it in read)


def _parameter(name: str) -> tuple[str, str, str]:
    parameter = template()["Parameters"][name]
    default = str(parameter["Default"])
    choices = parameter.get("AllowedValues")
    meaning = f"{parameter['Description'].rstrip('.')}." if choices is None else _with_choices(parameter)
    return f"`{name}`", f"`{default}`" if default else "none", meaning


def _with_choices(parameter: Any) -> str:  # noqa: ANN401  a part of the template
    choices = ", ".join(f"`{it}`" for it in parameter["AllowedValues"])
    return f"{parameter['Description'].rstrip('.')}. One of {choices}."
