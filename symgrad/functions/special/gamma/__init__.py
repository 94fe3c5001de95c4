"""The gamma function and what is made of it: beta, binomials, rising factorials, digamma."""
