"""Exponential, logarithmic, sine, cosine and Fresnel integrals."""
