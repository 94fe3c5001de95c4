"""Noun: compiled code and what it runs on: the loader, the disk cache, threads, arrays, results."""
