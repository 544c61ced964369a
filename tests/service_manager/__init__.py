"""A systemd of the tests' own, in namespaces of its own."""
