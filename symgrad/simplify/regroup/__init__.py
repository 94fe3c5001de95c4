"""Passes that regroup sums and products, so that the same values take fewer operations."""
