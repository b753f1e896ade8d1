"""Run the transcripts of a Markdown file, so that it shows the current output of each command."""

import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
SEPARATOR = "\x1e"
BLOCK = re.compile(
    r"^<!-- transcript(?: scenario=(?P<scenario>\w+))?"
    r"(?: head=(?P<head>\d+))?(?: tail=(?P<tail>\d+))? -->\n```console\n(?P<body>.*?)^```$",
    flags=re.MULTILINE | re.DOTALL,
)
"""A fenced block of commands (`$ …`) with their output; the mark names the scenario, and limits a long output."""
_SAMPLES = (
    (re.compile(r"deadline \d{4}-\d{2}-\d{2} \d{2}:\d{2} UTC"), "deadline 2026-11-02 12:04 UTC"),
    (re.compile(r"(backup \S+ of) \d{4}-\d{2}-\d{2} \d{2}:\d{2} UTC"), r"\g<1> 2026-11-02 01:00 UTC"),
    (re.compile(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2} UTC(?= *[:;])"), "2026-11-02 06:04 UTC"),
    (re.compile(r"(?<=drill )[0-9a-f]{16}\b"), "9c1d7e40b3f2a586"),
    (re.compile(r"(?<=plan )[0-9a-f]{16}\b"), "5f0e3a9c81d24b76"),
    (re.compile(r"\b(drill-[a-z-]+-)[0-9a-f]{8}\b"), r"\g<1>1a2b3c4d"),
    (re.compile(r"document /\S+/[0-9a-f]{16}-"), "document …/default-drills/9c1d7e40b3f2a586-"),
)
"""Texts of restore drills that differ in each run, and what is shown instead: times, ids, random names and folders."""


def run_transcripts(text: str, read_environment: Callable[[str | None], Mapping[str, str]]) -> str:
    """Return a Markdown text with the current output of every transcript.

    `read_environment` returns the environment of a scenario; without a name, of the default one.
    """
    with tempfile.TemporaryDirectory() as folder:
        return BLOCK.sub(lambda found: _block(found, read_environment(found["scenario"]), Path(folder)), text)


def _block(found: re.Match[str], environment: Mapping[str, str], folder: Path) -> str:
    commands = [line.removeprefix("$ ") for line in found["body"].splitlines() if line.startswith("$ ")]
    head = int(found["head"]) if found["head"] else None
    tail = int(found["tail"] or 0)
    outputs = _outputs(commands, environment, folder)
    if found["scenario"] is not None:
        outputs = map(_show_samples, outputs)
    shown = [f"$ {command}\n{_cut(output, head, tail)}" for command, output in zip(commands, outputs, strict=True)]
    mark = found[0].partition("\n")[0]
    return f"{mark}\n```console\n{''.join(shown)}```"


def _outputs(commands: list[str], environment: Mapping[str, str], folder: Path) -> Iterator[str]:
    """Run the commands of a block in one shell, and yield the output of each, including errors."""
    # the subshell passes each command's exit status to the next command, so that `echo $?` prints it
    script = "".join(f"{command}\n(code=$?; printf '{SEPARATOR}'; exit $code)\n" for command in commands)
    done = subprocess.run(
        ["/bin/sh", "-c", script],
        cwd=ROOT if any(command.startswith("make ") for command in commands) else folder,
        env={"PATH": f"{ROOT / '.venv' / 'bin'}:{os.environ['PATH']}", "HOME": str(folder), **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    outputs = done.stdout.split(SEPARATOR)
    if len(outputs) != len(commands) + 1:
        raise RuntimeError(f"a transcript ended early: {done.stdout}")
    for output in outputs[:-1]:
        yield "".join(f"{line.rstrip()}\n" for line in output.splitlines())


def _show_samples(output: str) -> str:
    for pattern, sample in _SAMPLES:
        output = pattern.sub(sample, output)
    return output


def _cut(output: str, head: int | None, tail: int) -> str:
    lines = output.splitlines(keepends=True)
    if head is None or len(lines) <= head + 1 + tail:
        return output
    left_out = len(lines) - head - tail
    return "".join([*lines[:head], f"… {left_out} more lines …\n", *lines[head + left_out :]])
