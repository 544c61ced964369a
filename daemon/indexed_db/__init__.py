"""Sessions of the IndexedDB WebSocket: each has a thread that is its front end's, as the backing store sees it."""
