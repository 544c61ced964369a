"""The web platform tests of IndexedDB, run by Node on the IndexedDB of this package."""
