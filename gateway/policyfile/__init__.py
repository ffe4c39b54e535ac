"""Checks a policy file, and tries it on a day that has been recorded."""
