"""What changes a Pinecone project. No audit imports it."""
