"""Run mutation tests of the core: `make mutate` changes it in small ways and lists the changes no unit test detects.

Mutmut works on a copy under `build/mutation` and stores its results there: a second run tries only the rest.
It ignores decorated functions, so in the copy each property is created by a statement after its function.
"""

import ast
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from mutmut.mutation.data import SourceFileMutationData
from mutmut.stats import status_by_exit_code

ROOT = Path(__file__).parents[1]
COPY = ROOT / "build" / "mutation"
SOURCE = ROOT / "layers" / "auditor" / "src"
CORE = ("backup_auditor/domain", "backup_auditor/controls")
TESTS = (
    "tests/unit/controls",
    "tests/unit/domain",
    "tests/unit/application",
    "tests/unit/rendering",
    "tests/unit/adapters/policy_file",
    "tests/unit/adapters/registry",
)
"""The tests of the core. Random examples take long and detect little that no other test detects."""
OTHER_FOLDERS = ("tests", "scripts", "docs", "events")
"""What the tests need in addition to the source."""
COPIED_SUFFIXES = {".csv", ".html", ".json", ".md", ".ndjson", ".py", ".sarif", ".txt", ".xml", ".yaml"}
DISABLED_PLUGINS = [f"-pno:{it}" for it in ("xdist", "cacheprovider", "unraisableexception")]
"""Plugins that a test run does not need: there are thousands of runs."""
DETECTED_STATUSES = {"killed", "timeout", "segfault"}
MIN_DETECTED_PERCENT = 95.0
"""Minimum share of changes that tests detect, in percent."""
CONFIGURATION = f"""\
[tool.mutmut]
source_paths = ["src"]
also_copy = ["docs", "scripts", "events"]
only_mutate = {[f"src/{folder}/*" for folder in CORE]}
pytest_add_cli_args_test_selection = {list(TESTS)}
pytest_add_cli_args = {[*DISABLED_PLUGINS, "-m", "not hypothesis"]}
use_setproctitle = false
use_git_change_detection = false

[tool.pytest.ini_options]
pythonpath = ["tests", "scripts"]
addopts = ["--import-mode=importlib"]
"""


def read_files() -> Iterator[tuple[str, str]]:
    """Yield the path and the text of every file of the copy."""
    yield "pyproject.toml", CONFIGURATION.replace("'", '"')
    for path in SOURCE.rglob("*"):
        if path.is_file() and path.suffix != ".pyc":
            name, text = f"src/{path.relative_to(SOURCE).as_posix()}", path.read_text(encoding="utf-8", newline="")
            yield name, move_decorators(text) if name.startswith(tuple(f"src/{it}/" for it in CORE)) else text
    for path in (path for folder in OTHER_FOLDERS for path in (ROOT / folder).rglob("*")):
        if path.suffix in COPIED_SUFFIXES:
            yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8", newline="")


def update_copy() -> None:
    """Update the copy; write only files that differ."""
    texts = dict(read_files())
    for path in (path for folder in ("src", *OTHER_FOLDERS) for path in (COPY / folder).rglob("*")):
        if path.is_file() and path.relative_to(COPY).as_posix() not in texts:
            path.unlink()
    for name, text in texts.items():
        path = COPY / name
        if not path.exists() or path.read_text(encoding="utf-8", newline="") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="")


def move_decorators(text: str) -> str:
    """Return a module in which a statement after each function creates the property."""
    lines = text.splitlines()
    functions = [
        function
        for owner in ast.walk(ast.parse(text))
        if isinstance(owner, ast.ClassDef)
        for function in owner.body
        if isinstance(function, ast.FunctionDef) and len(function.decorator_list) == 1
    ]
    for function in sorted(functions, key=lambda it: -it.lineno):
        (decorator,) = function.decorator_list
        if isinstance(decorator, ast.Name) and decorator.id in {"property", "cached_property"}:
            indent = " " * function.col_offset
            lines.insert(function.end_lineno or 0, f"{indent}{function.name} = {decorator.id}({function.name})")
            del lines[decorator.lineno - 1]
    return "\n".join(lines) + "\n"


def load_modules() -> Iterator[SourceFileMutationData]:
    """Yield the stored results of each module that has any."""
    for path in sorted(COPY.glob("mutants/src/**/*.py.meta")):
        source = path.relative_to(COPY / "mutants").with_suffix("")
        if (COPY / source).exists():
            module = SourceFileMutationData(path=source)
            module.load()
            yield module


def reset_undetected() -> None:
    """Delete the results of undetected changes: there may be new tests."""
    for module in load_modules():
        exit_codes = module.exit_code_by_key
        module.exit_code_by_key = {
            name: code if status_by_exit_code[code] in DETECTED_STATUSES else None for name, code in exit_codes.items()
        }
        module.save()


def main() -> int:
    """Try every change that has no result, and print how many were detected."""
    update_copy()
    os.chdir(COPY)
    reset_undetected()
    command = [str(Path(sys.executable).with_name("mutmut")), "run", *sys.argv[1:]]
    exit_code = subprocess.run(command, check=False).returncode
    counts: dict[str, Counter[bool]] = {}
    for module in load_modules():
        count = counts[str(module.path)] = Counter[bool]()
        for name, code in module.exit_code_by_key.items():
            status = status_by_exit_code[code]
            count[status in DETECTED_STATUSES] += 1
            if status not in DETECTED_STATUSES:
                print(f"{status}: {name}")
    for path, count in counts.items():
        print(f"{100 * count[True] / max(count.total(), 1):6.1f} %  of {count.total():5}  {path}")
    total = sum(counts.values(), Counter[bool]())
    rate = 100 * total[True] / max(total.total(), 1)
    print(f"{rate:6.1f} %  of {total.total():5}  in total (limit: {MIN_DETECTED_PERCENT:g} %)")
    return exit_code or int(rate < MIN_DETECTED_PERCENT)


if __name__ == "__main__":
    sys.exit(main())
