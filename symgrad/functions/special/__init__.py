"""Rows of the special functions, a module a family.

Each family has its definitions on top, plain functions ``f(m, x, ...)`` (``ir/definition.py``), and
its rows below. To add one, write the module and add its ROWS here.
"""

from symgrad.functions.special import (
    airy,
    bessel,
    bessel_modified,
    bessel_modified_derivatives,
    bessel_modified_slopes,
    beta_moments,
    elliptic,
    elliptic_moments,
    error_functions,
    exponential_integrals,
    factorials,
    fresnel,
    gamma,
    gamma_differences,
    gamma_quotients,
    generalized_expint,
    hypergeometric,
    incomplete_beta,
    incomplete_beta_slopes,
    incomplete_gamma,
    incomplete_gamma_slopes,
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
    *bessel_modified_derivatives.ROWS,
    *bessel_modified_slopes.ROWS,
    *beta_moments.ROWS,
    *elliptic.ROWS,
    *elliptic_moments.ROWS,
    *error_functions.ROWS,
    *exponential_integrals.ROWS,
    *factorials.ROWS,
    *fresnel.ROWS,
    *gamma.ROWS,
    *gamma_differences.ROWS,
    *gamma_quotients.ROWS,
    *generalized_expint.ROWS,
    *hypergeometric.ROWS,
    *incomplete_beta.ROWS,
    *incomplete_beta_slopes.ROWS,
    *incomplete_gamma.ROWS,
    *incomplete_gamma_slopes.ROWS,
    *lambertw.ROWS,
    *normal.ROWS,
    *polylog.ROWS,
    *removable.ROWS,
    *sine_integrals.ROWS,
    *spherical_bessel.ROWS,
    *zeta.ROWS,
)

__all__ = ["ROWS"]
