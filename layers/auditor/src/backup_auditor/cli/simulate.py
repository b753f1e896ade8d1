"""`backup-auditor simulate`: a simulated Pinecone on loopback."""

import errno
from argparse import Namespace
from importlib import import_module
from importlib.util import find_spec

from backup_auditor.cli.options import read_now
from backup_auditor.cli.output import make_output_error, require_output
from backup_auditor.errors import UsageError

_SIMULATOR_PACKAGE = "backup_auditor_simulator"
_OUTPUT_ERRORS = frozenset({errno.ENOSPC, errno.EIO, errno.EFBIG, errno.EDQUOT})


def run(arguments: Namespace) -> int:
    """Serve a scenario until interrupted. The simulator is a package of its own, imported only here."""
    now = read_now(arguments.now)
    if find_spec(_SIMULATOR_PACKAGE) is None:
        raise UsageError("the simulator is not installed; install backup-auditor[simulator]")
    require_output()
    command = import_module(f"{_SIMULATOR_PACKAGE}.cli")
    try:
        return int(command.run(arguments.scenario, port=arguments.port, now=now, latency=arguments.latency))
    except ValueError as error:
        raise UsageError(str(error)) from None
    except BrokenPipeError:
        raise
    except OSError as error:
        if error.errno in _OUTPUT_ERRORS:
            raise make_output_error(error) from None
        raise UsageError(f"port {arguments.port} cannot be used: {error.strerror or error}; use another port") from None
