"""The command line, and its exit codes. This module imports nothing: every start needs it."""

OK = 0
NON_COMPLIANT = 1
NOT_AUDITED = 2
INCOMPLETE = 3
INTERRUPTED = 130
