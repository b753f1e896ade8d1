"""A Pinecone control plane on loopback, with a clock that tests can set."""
