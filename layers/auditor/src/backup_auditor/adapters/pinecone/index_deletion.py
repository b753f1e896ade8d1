"""Delete the temporary index of a recorded drill. No other module of the product deletes anything in Pinecone."""

from backup_auditor.adapters.pinecone.client import PineconeClient
from backup_auditor.adapters.pinecone.restored_indexes import build_index_target, observe_index
from backup_auditor.adapters.pinecone.transport import ResponseLostError
from backup_auditor.domain.drills.drill import DrillRecord, Ownership, find_ownership
from backup_auditor.domain.drills.state_machine import (
    AnswerLost,
    DeletionAccepted,
    DeletionRefused,
    IndexFound,
    IndexMissing,
    Observation,
    ReadFailed,
)
from backup_auditor.errors import (
    MalformedResponseError,
    NotFoundError,
    PineconeError,
    ThrottledError,
    UnavailableError,
)


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
        client.write_once("DELETE", build_index_target(record.target_name), client.connection.api_version)
    except NotFoundError:
        return IndexMissing()
    except (ResponseLostError, MalformedResponseError) as error:
        return AnswerLost(str(error))
    except (ThrottledError, UnavailableError) as error:  # it had no effect, and may succeed later
        return ReadFailed(f"the deletion was not accepted: {error}")
    except PineconeError as error:
        return DeletionRefused(str(error))
    return DeletionAccepted()
