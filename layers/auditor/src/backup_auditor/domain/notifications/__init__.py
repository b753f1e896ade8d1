"""Messages to channels about audits and their failures: triggers, digests and notices."""
