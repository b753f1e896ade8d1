"""Small functions for the tests of the function runner."""

from datetime import timedelta
from pathlib import Path
from textwrap import dedent
from typing import Any

from support.aws_local.function import Function


def write_sample_function(folder: Path, code: str, **settings: Any) -> Function:
    """Write a function of a few lines, and return it with its settings."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "app.py").write_text(dedent(code), encoding="utf-8")
    defaults: dict[str, Any] = {
        "name": "toy",
        "arn": "arn:aws:lambda:eu-central-1:123456789012:function:toy",
        "role": "ToyRole",
        "handler": "app.lambda_handler",
        "task": folder,
        "timeout": timedelta(seconds=20),
        "memory": 256,
    }
    return Function(**(defaults | settings))
