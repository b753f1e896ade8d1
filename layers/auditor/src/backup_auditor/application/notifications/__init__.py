"""Delivery of alerts: dispatcher, senders, routes and delivery records."""
