"""Test the imports between modules, and the packages that an import loads."""

import subprocess
import sys
from collections.abc import Mapping
from graphlib import TopologicalSorter
from pathlib import Path

import grimp
import pytest

SOURCES = Path(__file__).parents[2] / "layers" / "auditor" / "src"
PURE_PACKAGES = ("domain", "controls", "rendering")


MAX_DOMAIN_LEVELS = 9


@pytest.fixture(scope="module")
def imports() -> Mapping[str, set[str]]:
    """Return the modules that each module of the package imports directly."""
    graph = grimp.build_graph("backup_auditor", cache_dir=None)
    return {name: graph.find_modules_directly_imported_by(name) for name in graph.modules}


def list_pure_modules() -> list[str]:
    """Return the names of all modules of the pure packages."""
    package = SOURCES / "backup_auditor"
    files = sorted(path for part in PURE_PACKAGES for path in (package / part).rglob("*.py"))
    return [".".join(path.relative_to(SOURCES).with_suffix("").parts).removesuffix(".__init__") for path in files]


def find_outside_packages(statement: str) -> set[str]:
    """Run a statement in a new interpreter, and return the third-party packages that it loaded."""
    names = "{name.partition('.')[0] for name in sys.modules}"
    own_packages = "{'__main__', 'backup_auditor'}"
    program = f"import sys; before = {names}; {statement}; new = {names} - before"
    program += f"; print(*sorted(new - set(sys.stdlib_module_names) - {own_packages}))"
    process = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(process.stdout.split())


def test_imports_follow_the_architecture() -> None:
    """No import contradicts the diagram in docs/development/architecture.md."""
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    process = subprocess.run(command, cwd=SOURCES.parents[2], capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stdout


@pytest.mark.parametrize("part", PURE_PACKAGES)
def test_the_core_uses_the_standard_library_only(part: str) -> None:
    """The import of a pure package loads no third-party package."""
    modules = [name for name in list_pure_modules() if name.startswith(f"backup_auditor.{part}")]
    assert modules
    assert find_outside_packages(f"import {', '.join(modules)}") == set()


def test_the_check_finds_a_third_party_package() -> None:
    """The check reports an imported third-party package."""
    assert "yaml" in find_outside_packages("import yaml")


def test_the_command_line_loads_no_third_party_package() -> None:
    """The start of the command line loads no third-party package."""
    assert find_outside_packages("import backup_auditor.cli.main") == set()


def test_an_audit_on_aws_loads_no_template_engine_at_its_start() -> None:
    """The import of the audit function does not load the template engine."""
    assert "jinja2" not in find_outside_packages("import backup_auditor.bootstrap.audit")


@pytest.mark.parametrize("verb", ["dispatch", "audit", "notify", "watch", "remediate"])
def test_other_functions_load_no_restore_drills_at_their_start(verb: str) -> None:
    """No other function starts slower because of restore drills: it loads none of their packages."""
    program = f"import sys, backup_auditor.bootstrap.{verb}; print(*sys.modules)"
    process = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    modules = process.stdout.split()
    assert "backup_auditor.bootstrap" in modules
    assert [it for it in modules if ".drills" in it or "drill_ledger" in it or it.endswith(".restores")] == []


def test_no_modules_import_each_other(imports: Mapping[str, set[str]]) -> None:
    """The imports of the package have no cycle."""
    assert list(TopologicalSorter(imports).static_order())


def test_domain_has_few_levels(imports: Mapping[str, set[str]]) -> None:
    """A chain of imports within the domain has at most nine modules."""
    levels: dict[str, int] = {}
    for name in TopologicalSorter(imports).static_order():
        if name.startswith("backup_auditor.domain."):
            levels[name] = 1 + max((levels[it] for it in imports[name] if it in levels), default=0)
    assert {name: level for name, level in levels.items() if level > MAX_DOMAIN_LEVELS} == {}
