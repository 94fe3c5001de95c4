"""The rows of the function table over Arb's balls, which prove how exact they are."""
