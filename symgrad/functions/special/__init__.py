"""Rows of the special functions, a module a family.

Each family has its definitions on top, plain functions ``f(m, x, ...)`` (``ir/definition.py``), and
its rows below. To add one, write the module and add its ROWS here.
"""

from symgrad.functions.special import (
    airy,
    bessel,
    bessel_modified,
    elliptic,
    error_functions,
    exponential_integrals,
    factorials,
    fresnel,
    gamma,
    gamma_differences,
    generalized_expint,
    hypergeometric,
    incomplete_beta,
    incomplete_gamma,
    lambertw,
    normal,
    polylog,
    removable,
    sine_integrals,
    spherical_bessel,
    zeta,
)

ROWS = (
    *airy.ROWS,
    *bessel.ROWS,
    *bessel_modified.ROWS,
    *elliptic.ROWS,
    *error_functions.ROWS,
    *exponential_integrals.ROWS,
    *factorials.ROWS,
    *fresnel.ROWS,
    *gamma.ROWS,
    *gamma_differences.ROWS,
    *generalized_expint.ROWS,
    *hypergeometric.ROWS,
    *incomplete_beta.ROWS,
    *incomplete_gamma.ROWS,
    *lambertw.ROWS,
    *normal.ROWS,
    *polylog.ROWS,
    *removable.ROWS,
    *sine_integrals.ROWS,
    *spherical_bessel.ROWS,
    *zeta.ROWS,
)

__all__ = ["ROWS"]
