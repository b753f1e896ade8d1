"""Start the command line: `python -m backup_auditor` is the same as `backup-auditor`."""

import sys

from backup_auditor.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
