"""Read one index with what a restore drill needs of it."""

from backup_auditor.adapters.pinecone.client import PineconeClient
from backup_auditor.adapters.pinecone.rows import RESTORED_INDEX, RowMapper, parse_row, read_vector_field
from backup_auditor.domain.drills.drill import RestoredIndex
from backup_auditor.domain.drills.state_machine import IndexFound, IndexMissing, ReadFailed
from backup_auditor.domain.text import quote_segment
from backup_auditor.errors import NotFoundError, PineconeError


def read_restored_index(client: PineconeClient, name: str) -> RestoredIndex:
    """Return the index that has a name. Raises any `PineconeError`."""
    row = parse_row(client.read(build_index_target(name), client.connection.api_version), RESTORED_INDEX)
    status, host = row.get("status"), row.get("host")
    vector_field = read_vector_field(row.get("schema"))
    return RestoredIndex(
        index=RowMapper().map_index(row),
        is_ready=isinstance(status, dict) and status.get("ready") is True,
        host=host if isinstance(host, str) and host else None,
        dimension=vector_field.dimension,
        metric=vector_field.metric,
        vector_type=vector_field.vector_type,
        vector_field=vector_field.name,
    )


def observe_index(client: PineconeClient, name: str) -> IndexFound | IndexMissing | ReadFailed:
    """Return what a read of the index that has a name shows."""
    try:
        return IndexFound(read_restored_index(client, name))
    except NotFoundError:
        return IndexMissing()
    except PineconeError as error:
        return ReadFailed(str(error))


def build_index_target(name: str) -> bytes:
    """Return the target of the calls of one index."""
    return f"/indexes/{quote_segment(name)}".encode()
