"""Takes away chunks that no head names: those of earlier recordings, and of recordings that never came to be."""

from collections.abc import Iterator

from backup_auditor.adapters.dynamodb_state.head import Head
from backup_auditor.adapters.dynamodb_state.items import CHUNKS, Item, key, project_key, text
from backup_auditor.adapters.dynamodb_state.table import Table


def sweep(table: Table, project: str, head: Head) -> None:
    """Delete the chunks of a project that a head does not name, and that no later one can.

    `head` was the latest when it was recorded; it may have been overtaken since. Whoever recorded after it began with
    what it names: a later head names chunks of these, and others that were written for a later revision, which are
    left alone here. A chunk of this revision or before that it does not name is therefore named by none: it was written
    over, or its writer was overtaken, and can no longer be recorded. Whoever still reads an earlier head finds a chunk
    missing, and reads the latest.
    """
    table.write({"DeleteRequest": {"Key": it}} for it in _unnamed(table, project, head))


def _unnamed(table: Table, project: str, head: Head) -> Iterator[Item]:
    named = head.chunks
    values = {
        ":project": text(project_key(project)),
        ":first": text(CHUNKS),
        ":last": text(f"{CHUNKS}{head.revision + 1:012d}"),
    }
    for item in table.found("PK = :project AND SK BETWEEN :first AND :last", values, ("SK",)):
        if (name := item["SK"]["S"]) not in named:
            yield key(project_key(project), name)
