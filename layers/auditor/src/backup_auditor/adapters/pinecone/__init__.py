"""Pinecone's control plane over HTTP: one reader that cannot write, one writer that an audit never opens."""
