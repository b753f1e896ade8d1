"""`backup-auditor simulate`: a Pinecone control plane on loopback."""

import errno
from argparse import Namespace
from importlib import import_module
from importlib.util import find_spec

from backup_auditor.cli.options import read_now
from backup_auditor.cli.output import need_output, output_error
from backup_auditor.errors import UsageError

_PACKAGE = "backup_auditor_simulator"
_OF_OUTPUT = frozenset({errno.ENOSPC, errno.EIO, errno.EFBIG, errno.EDQUOT})


def run(arguments: Namespace) -> int:
    """Serve a scenario until interrupted. The simulator is a package of its own, imported only here."""
    now = read_now(arguments.now)
    if find_spec(_PACKAGE) is None:
        raise UsageError("the simulator is not installed; install backup-auditor[simulator]")
    need_output()
    command = import_module(f"{_PACKAGE}.cli")
    try:
        return int(command.run(arguments.scenario, port=arguments.port, now=now, latency=arguments.latency))
    except ValueError as error:
        raise UsageError(str(error)) from None
    except BrokenPipeError:
        raise
    except OSError as error:
        if error.errno in _OF_OUTPUT:
            raise output_error(error) from None
        raise UsageError(f"port {arguments.port} cannot be used: {error.strerror or error}; choose another") from None
