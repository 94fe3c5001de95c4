"""Rows of the special functions, a folder a family.

    bessel/          J and Y, I and K, spherical ones, Airy functions
    elliptic/        Legendre's integrals and the moments that their derivatives are
    error/           erf and its kin, the normal distribution
    gamma/           gamma, digamma, beta, binomials, rising factorials
    hypergeometric/  0F1 to 3F2
    incomplete/      incomplete gamma and beta functions, their densities
    integrals/       exponential, logarithmic, sine and Fresnel integrals
    zeta/            zeta functions, polygamma, polylogarithms
    lambertw.py      Lambert's W
    removable.py     derivatives of sin(x)/x and its like, at 0 too
    double.py        arithmetic in pairs of doubles, which definitions are written in
    segments.py      piecewise polynomials, likewise

A module has its definitions on top, plain functions ``f(m, x, ...)`` (``ir/definition.py``), and
its ROWS below. To add one, write the module and add its ROWS here.
"""

from symgrad.functions.special import lambertw, removable
from symgrad.functions.special.bessel import (
    airy,
    modified,
    modified_derivatives,
    modified_slopes,
    ordinary,
    spherical,
)
from symgrad.functions.special.elliptic import legendre, moments
from symgrad.functions.special.error import erf, normal
from symgrad.functions.special.gamma import beta_moments, differences, factorials, gamma, quotients
from symgrad.functions.special.hypergeometric import values
from symgrad.functions.special.incomplete import beta as incomplete_beta
from symgrad.functions.special.incomplete import beta_slopes as incomplete_beta_slopes
from symgrad.functions.special.incomplete import gamma as incomplete_gamma
from symgrad.functions.special.incomplete import gamma_slopes as incomplete_gamma_slopes
from symgrad.functions.special.integrals import exponential, fresnel, generalized_exponential, sine
from symgrad.functions.special.zeta import polylog, zeta

ROWS = (
    *airy.ROWS,
    *ordinary.ROWS,
    *modified.ROWS,
    *modified_derivatives.ROWS,
    *modified_slopes.ROWS,
    *spherical.ROWS,
    *legendre.ROWS,
    *moments.ROWS,
    *erf.ROWS,
    *normal.ROWS,
    *gamma.ROWS,
    *factorials.ROWS,
    *quotients.ROWS,
    *differences.ROWS,
    *beta_moments.ROWS,
    *values.ROWS,
    *incomplete_gamma.ROWS,
    *incomplete_gamma_slopes.ROWS,
    *incomplete_beta.ROWS,
    *incomplete_beta_slopes.ROWS,
    *exponential.ROWS,
    *generalized_exponential.ROWS,
    *sine.ROWS,
    *fresnel.ROWS,
    *zeta.ROWS,
    *polylog.ROWS,
    *lambertw.ROWS,
    *removable.ROWS,
)

__all__ = ["ROWS"]
