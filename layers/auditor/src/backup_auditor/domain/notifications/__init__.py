"""Messages to channels about an audit: triggers and digests."""
