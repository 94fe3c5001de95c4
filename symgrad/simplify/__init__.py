"""Verb: Graph -> smaller equal Graph, by a table of rewrite rules with safety classes."""
