"""Streaming metrics: tensor state, update, compute."""
