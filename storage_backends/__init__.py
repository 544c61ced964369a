"""What a browser has: Web Storage and IndexedDB over ordered key-value engines. Knows nothing of models or sockets."""
