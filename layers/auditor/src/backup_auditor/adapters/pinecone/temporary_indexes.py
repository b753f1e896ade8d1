"""Read and delete the temporary index of a restore drill.

No other module of the product deletes anything in Pinecone.
"""

from backup_auditor.adapters.pinecone.client import PineconeClient
from backup_auditor.adapters.pinecone.rows import RESTORED_INDEX, RowMapper, parse_row, read_vector_field
from backup_auditor.adapters.pinecone.transport import ResponseLostError
from backup_auditor.domain.drills.drill import DrillRecord, Ownership, RestoredIndex, find_ownership
from backup_auditor.domain.drills.state_machine import (
    AnswerLost,
    DeletionAccepted,
    DeletionRefused,
    IndexFound,
    IndexMissing,
    Observation,
    ReadFailed,
)
from backup_auditor.domain.text import quote_segment
from backup_auditor.errors import (
    MalformedResponseError,
    NotFoundError,
    PineconeError,
    ThrottledError,
    UnavailableError,
)


def read_restored_index(client: PineconeClient, name: str) -> RestoredIndex:
    """Return the index that has a name. Raises any `PineconeError`."""
    row = parse_row(client.read(_build_index_target(name), client.connection.api_version), RESTORED_INDEX)
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


def delete_temporary_index(client: PineconeClient, record: DrillRecord) -> Observation:
    """Read the index of a drill, and delete it at once if name, tags and source backup are those of the record.

    Else return what the read shows. Pinecone deletes by name only, so nothing happens between the two calls, and the
    deletion is sent once: an index that takes the name during a wait would be deleted by a second attempt.
    """
    observation = observe_index(client, record.target_name)
    if not isinstance(observation, IndexFound):
        return observation
    index = observation.index.index
    if index.is_terminating or find_ownership(record, index) is not Ownership.OWN:
        return observation
    return _send_deletion(client, record)


def _send_deletion(client: PineconeClient, record: DrillRecord) -> Observation:
    try:
        client.write_once("DELETE", _build_index_target(record.target_name), client.connection.api_version)
    except NotFoundError:
        return IndexMissing()
    except (ResponseLostError, MalformedResponseError) as error:
        return AnswerLost(str(error))
    except (ThrottledError, UnavailableError) as error:  # it had no effect, and may succeed later
        return ReadFailed(f"the deletion was not accepted: {error}")
    except PineconeError as error:
        return DeletionRefused(str(error))
    return DeletionAccepted()


def _build_index_target(name: str) -> bytes:
    """Return the target of the calls of one index."""
    return f"/indexes/{quote_segment(name)}".encode()
