"""The incomplete gamma and beta functions, and the densities that they integrate."""
