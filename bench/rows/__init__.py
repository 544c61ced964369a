"""The lines of the table, a module for each kind of operation."""
