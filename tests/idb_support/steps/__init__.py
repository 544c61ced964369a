"""Cases by algorithm and step of the specification."""
