"""Changes the core in small ways, one at a time, and tells which changes no unit test notices: `make mutate`.

Mutmut works on a copy under `build/mutation`, and remembers there what was noticed: a second run tries the rest.
It leaves decorated functions alone, so that in the copy `@property` stands behind its function instead of before it.
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
    *(
        f"tests/unit/adapters/policy_file/test_policy_{it}.py"
        for it in ("contradictions", "difference", "exemptions", "feasibility")
    ),
)
"""Those that are about the core. Examples drawn at random take long, and notice little that no other test does."""
OTHER_FOLDERS = ("tests", "scripts", "docs")
"""What the tests need beside the source."""
DISABLED_PLUGINS = [f"-pno:{it}" for it in ("xdist", "cacheprovider", "unraisableexception")]
"""What a test run can spare: there are thousands."""
DETECTED_STATUSES = {"killed", "timeout", "segfault"}
MIN_DETECTED_PERCENT = 90.0
"""Percent of the changes that are to be noticed."""
CONFIGURATION = f"""\
[tool.mutmut]
source_paths = ["src"]
also_copy = ["docs", "scripts"]
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
            name, text = f"src/{path.relative_to(SOURCE).as_posix()}", path.read_text(encoding="utf-8")
            yield name, move_decorators(text) if name.startswith(tuple(f"src/{it}/" for it in CORE)) else text
    for path in (path for folder in OTHER_FOLDERS for path in (ROOT / folder).rglob("*")):
        if path.suffix in {".py", ".md", ".txt"}:
            yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")


def update_copy() -> None:
    """Bring the copy up to date, touching only what differs."""
    texts = dict(read_files())
    for path in (path for folder in ("src", *OTHER_FOLDERS) for path in (COPY / folder).rglob("*")):
        if path.is_file() and path.relative_to(COPY).as_posix() not in texts:
            path.unlink()
    for name, text in texts.items():
        path = COPY / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")


def move_decorators(text: str) -> str:
    """Return a module in which every property is made by a statement behind its function."""
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
    """Yield what is remembered of each module, if anything was tried yet."""
    for path in sorted(COPY.glob("mutants/src/**/*.py.meta")):
        source = path.relative_to(COPY / "mutants").with_suffix("")
        if (COPY / source).exists():
            module = SourceFileMutationData(path=source)
            module.load()
            yield module


def reset_undetected() -> None:
    """Forget the changes that no test noticed: there may be new tests."""
    for module in load_modules():
        exit_codes = module.exit_code_by_key
        module.exit_code_by_key = {
            name: code if status_by_exit_code[code] in DETECTED_STATUSES else None for name, code in exit_codes.items()
        }
        module.save()


def main() -> int:
    """Try every change that was not tried yet, and tell how many were noticed."""
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
    print(f"{rate:6.1f} %  of {total.total():5}  altogether; {MIN_DETECTED_PERCENT:g} % are to be noticed")
    return exit_code or int(rate < MIN_DETECTED_PERCENT)


if __name__ == "__main__":
    sys.exit(main())
