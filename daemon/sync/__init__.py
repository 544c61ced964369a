"""Directories and stores that stay equal. ``watchdog`` is imported below this package only, and only for a pair."""
