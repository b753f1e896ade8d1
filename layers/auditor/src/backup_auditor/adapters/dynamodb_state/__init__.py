"""What is remembered of projects, and what has to be told, in one DynamoDB table."""
