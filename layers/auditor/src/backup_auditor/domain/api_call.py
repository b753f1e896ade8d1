"""One call of Pinecone's API."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ApiCall:
    """One call of Pinecone's API. What is shown and recorded is what is sent."""

    method: str
    path: str
    body: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        """Return method, path and body in one line."""
        return f"{self.method} {self.path}" + (f" {json.dumps(self.body)}" if self.body else "")
