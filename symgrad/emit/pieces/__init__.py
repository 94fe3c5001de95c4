"""The pieces of a Program as functions on vectors; who calls them and stores what they return."""
