"""Knowing, every morning, that every Pinecone index can be restored."""
