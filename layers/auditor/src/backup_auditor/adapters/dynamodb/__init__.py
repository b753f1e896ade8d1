"""State and remediation log in DynamoDB."""
