"""What the tests of IndexedDB share."""
