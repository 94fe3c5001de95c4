"""Elliptic integrals over Arb's balls, for ``rows.py``.

A derivative of an elliptic integral is one of the integrals of sin^2a (1 - m sin^2)^(-b - 1/2)
(1 - n sin^2)^(-c), of which a point asks for several: they share a table, which starts with
Arb's F, E and Pi and goes on by partial fractions and by parts. Both cancel where m, n or m - n is
small: there the integrals are a series in m, or Arb's numerical integration.
"""

from __future__ import annotations

from collections.abc import Sequence

from flint import acb, arb, ctx

from benchmarks.oracle.balls import NAN, Function, less, real, whole

SMALL = 2.0**-10
"""Numbers that are not divided by where there is another way."""

GUARD = 64
"""Bits that a table has beyond those asked for."""


def periods(one: Function, phi: arb, m: arb) -> arb:
    """An incomplete integral of Arb's where it is real; far arguments have too many periods."""
    if not abs(phi) < 1e6:
        return NAN
    square = phi.sin() ** 2 if abs(phi) < arb.pi() / 2 else arb(1)
    return real(one(acb(phi), acb(m))) if less(m * square, arb(1)) else NAN


def elliptic_rd(phi: arb, m: arb, slope: bool) -> arb:
    """sin^3 R_D/3 within a quarter of a period (NIST DLMF 19.25.13), else the integral."""
    if not abs(phi) < arb.pi() / 2 + 1e-30:
        return moment(arb(1), arb(1 if slope else 0), arb(0), arb(0), phi, m)
    s, square = acb(phi.sin()), acb(phi.cos() ** 2)
    inner = 1 - acb(m) * s * s
    if not less(arb(0), inner.real):
        return NAN
    rest = (acb(1), inner) if slope else (inner, acb(1))
    return real(s**3 * acb.elliptic_rd(square, *rest) / 3)


class Table:
    """The integrals of one (n, phi, m), by (a, b, c); a ball about pi/2 stands for pi/2."""

    def __init__(self, n: arb, phi: arb, m: arb) -> None:
        self.n, self.phi, self.m = n, phi, m
        quarter = arb.pi() / 2
        self.complete = not phi.is_exact() and phi.overlaps(quarter)
        self.sine = arb(1) if self.complete else phi.sin()
        self.cosine = arb(0) if self.complete else phi.cos()
        square = self.sine * self.sine
        self.top = square if self.complete or abs(phi) < quarter else arb(1)
        self.delta = 1 - m * square
        self.other = 1 - n * square
        self.root = self.delta.sqrt()
        self.small = bool(abs(m) < SMALL)
        self.close = any(abs(divisor) < SMALL for divisor in (n, m, m - n, 1 - n))
        self.singular = not self.complete and bool(abs(1 - m) < SMALL)
        self.between = 1 / (m - n)
        self.known: dict[tuple[int, int, int], arb] = {}
        self.powers: list[arb] = []

    def first(self, b: int) -> arb:
        """The integral of Delta^(-2b - 1)."""
        phi, m = acb(self.phi), acb(self.m)
        if b == 0:
            return real(m.elliptic_k() if self.complete else acb.elliptic_f(phi, m))
        if b == -1:
            return real(m.elliptic_e() if self.complete else acb.elliptic_e_inc(phi, m))
        # By parts of sin cos Delta^-q, q = 2b - 1 upwards and 2b + 3 downwards.
        q = 2 * b - 1 if b > 0 else 2 * b + 3
        near, far = self(0, b - 1 if b > 0 else b + 1, 0), self(0, b - 2 if b > 0 else b + 2, 0)
        end = self.m * self.sine * self.cosine * self.root**-q
        if b > 0:
            return (end + (q - 1) * (self.m - 2) * near + (q - 2) * far) / (q * (self.m - 1))
        return (end + (q - 1) * (self.m - 2) * near - q * (self.m - 1) * far) / (2 - q)

    def third(self, c: int) -> arb:
        """The integral of (1 - n sin^2)^(-c)/Delta, c > 0, by parts of sin cos Delta N^(1 - c)."""
        n, m, k = self.n, self.m, c - 1
        if c == 1:
            if self.complete:
                return real(acb.elliptic_pi(acb(n), acb(m)))
            return real(acb.elliptic_pi_inc(acb(n), acb(self.phi), acb(m)))
        # The polynomial that is left in u = sin^2, then in 1 - n u.
        one = (2 * n * k - (2 * m + n + 2)) / n
        two = (2 * m * n + 3 * m + 2 * n - 2 * n * k * (1 + m)) / n**2
        three = m * (2 * k - 3) / n**2
        lowest = 2 * k * (1 - 1 / n) * (1 - m / n)
        end = self.sine * self.cosine * self.root * self.other**-k
        rest = (one + 2 * two + 3 * three) * self(0, 0, k)
        rest -= (two + 3 * three) * self(0, 0, k - 1)
        below = self(0, 0, 0) - n * self(1, 0, 0) if k == 1 else self(0, 0, k - 2)
        return (end + rest + three * below) / lowest

    def series(self, a: int, b: int) -> arb:
        """Without the third factor, by powers of a small m."""
        factor, total, high = arb(1), arb(0), abs(self.phi).upper()
        for k in range(400):
            while len(self.powers) <= a + k:
                self.powers.append(self.power(len(self.powers)))
            total += factor * self.powers[a + k]
            factor = factor * self.m * (2 * b + 2 * k + 1) / (2 * k + 2)
            ratio = abs(self.m) * (abs(b) + k + 2)
            if k >= abs(b) + 1 and ratio < 0.5 * (k + 1):
                rest = 2 * abs(factor) * high
                if rest < abs(total) * arb(2) ** -ctx.prec or rest.is_zero():
                    return total + arb(0, rest.upper())
        return NAN

    def power(self, j: int) -> arb:
        """The integral of sin^2j."""
        if j == 0:
            return self.phi
        end = self.sine ** (2 * j - 1) * self.cosine
        return ((2 * j - 1) * self.powers[j - 1] - end) / (2 * j)

    def moment(self, a: int | None, b: int | None, c: int | None) -> arb:
        """The integral, or nan where there is none."""
        if a is None or b is None or c is None or a < 0 or c < 0:
            return NAN
        return NAN if c and not less(self.n * self.top, arb(1)) else self(a, b, c)

    def __call__(self, a: int, b: int, c: int) -> arb:
        """Return the integral of sin^2a Delta^(-2b - 1) (1 - n sin^2)^(-c)."""
        key = (a, b, c)
        if key not in self.known:
            self.known[key] = self.found(a, b, c)
        return self.known[key]

    def found(self, a: int, b: int, c: int) -> arb:
        """Return it from others of the table, or from what is known about it."""
        n, m = self.n, self.m
        if c == 0 and self.small:
            return self.series(a, b)
        if (c and self.close) or (b > 0 and self.singular):
            return integral(a, b, c, n, self.phi, m)
        if b and c:
            return (m * self(a, b, c - 1) - n * self(a, b - 1, c)) * self.between
        if a and c:
            return (self(a - 1, b, c) - self(a - 1, b, c - 1)) / n
        if a:
            return (self(a - 1, b, c) - self(a - 1, b - 1, c)) / m
        return self.third(c) if c else self.first(b)


def integral(a: int, b: int, c: int, n: arb, phi: arb, m: arb) -> arb:
    """By Arb's integration, which takes its time where the integrand is nearly singular."""

    def integrand(t: acb, analytic: bool) -> acb:
        s = t.sin() ** 2
        root = (1 - m * s).sqrt(analytic)
        return s**a * root ** (-2 * b - 1) * (1 - n * s) ** -c

    return real(acb.integral(integrand, 0, acb(phi), eval_limit=5000))


def moments(orders: Sequence[tuple[arb, ...]], n: arb, phi: arb, m: arb) -> list[arb]:
    """Integrals of sin^2a (1 - m sin^2)^(-b - 1/2) (1 - n sin^2)^(-c), whole a >= 0 and c >= 0."""
    if not (abs(phi) < 100 and abs(m) < 1e7 and abs(n) < 1e7):
        return [NAN] * len(orders)
    before = ctx.prec
    ctx.prec += GUARD
    try:
        table = Table(n, phi, m)
        if not less(m * table.top, arb(1)):
            return [NAN] * len(orders)
        return [table.moment(*map(whole, row)) for row in orders]
    finally:
        ctx.prec = before


def moment(*args: arb) -> arb:
    """One of them, its orders first."""
    return moments([args[:3]], *args[3:])[0]
