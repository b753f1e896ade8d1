"""A Pinecone on loopback, with a clock that tests can set."""
