"""Delivery of alerts: dispatcher, senders, routes and records."""
