"""A Pinecone control plane on loopback, under a clock that can be set."""
