"""The store in process, without a daemon."""
