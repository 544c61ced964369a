"""What daemon and client agree on: schemas, limits, framing, addresses. It opens no socket and writes no file."""
