"""The daemon's databases behind IndexedDB's front end: a backing store at the other end of a WebSocket."""
