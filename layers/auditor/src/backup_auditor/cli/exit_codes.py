"""The exit codes. This module imports nothing: every start needs it."""

WELL = 0
NON_COMPLIANT = 1
NOTHING_AUDITED = 2
INCOMPLETE = 3
INTERRUPTED = 130
