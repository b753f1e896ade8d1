"""What channels are told of an audit, and when."""
