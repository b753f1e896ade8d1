"""A digest as an incoming webhook of Slack takes it."""
