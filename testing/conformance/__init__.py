"""Suites that every implementation of a contract must pass: a test class inherits one and provides its fixture."""
