"""Stepwell."""
