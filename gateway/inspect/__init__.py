"""Looks into a journal from outside, beside a running gateway or without one; changes nothing."""
