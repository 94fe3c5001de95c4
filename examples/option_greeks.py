"""Option prices and their Greeks: SymPy expressions and chosen partials, for a million options.

A European call on an asset at S with strike K, volatility sigma, interest rate r and T years to run
is worth S N(d1) - K exp(-r T) N(d2), with d1 = (ln(S/K) + (r + sigma^2/2) T) / (sigma sqrt(T)) and
d2 = d1 - sigma sqrt(T); N is the normal distribution. Each Greek is a partial derivative that a
dict asks for by name: vanna is ("S", "sigma"). Call and put share one kernel, so each result has a
column for either; the interest rate is a parameter, shared by all options, and rho differentiates
by it. (Theta here is the derivative by T; traders give it the other sign.)

Source: F. Black, M. Scholes, "The Pricing of Options and Corporate Liabilities", Journal of
Political Economy 81, 1973; the closed forms of the Greeks: E. G. Haug, "The Complete Guide to
Option Pricing Formulas", 2nd edition, chapter 2.

    python examples/option_greeks.py --options 1000000
"""

import argparse
import math
import time

import numpy as np
import sympy as sp

import symgrad as sg

GREEKS = {
    "price": (),
    "delta": ("S",),
    "vega": ("sigma",),
    "theta": ("T",),
    "rho": ("r",),
    "gamma": ("S", "S"),
    "vanna": ("S", "sigma"),
    "volga": ("sigma", "sigma"),
}


def compile_greeks():
    """The compiled price and Greeks of a call and a put."""
    s, k, sigma, t, r = sp.symbols("S K sigma T r", positive=True)
    spread = sigma * sp.sqrt(t)
    d1 = (sp.log(s / k) + (r + sigma**2 / 2) * t) / spread
    d2 = d1 - spread

    def normal(z):
        return sp.erfc(-z / sp.sqrt(2)) / 2

    outputs = {
        "call": s * normal(d1) - k * sp.exp(-r * t) * normal(d2),
        "put": k * sp.exp(-r * t) * normal(-d2) - s * normal(-d1),
    }
    inputs, wrt = [s, k, sigma, t], [s, sigma, t, r]
    return sg.compile(outputs, inputs, GREEKS, parameters=[r], wrt=wrt, name="greeks")


def closed_forms(s, k, sigma, t, r):
    """The Greeks of a call as textbooks print them, for one option."""
    spread = sigma * math.sqrt(t)
    d1 = (math.log(s / k) + (r + sigma**2 / 2) * t) / spread
    d2 = d1 - spread
    density = math.exp(-d1 * d1 / 2) / math.sqrt(2 * math.pi)
    n1, n2 = (math.erfc(-d / math.sqrt(2)) / 2 for d in (d1, d2))
    discounted = k * math.exp(-r * t)
    vega = s * math.sqrt(t) * density
    return {
        "price": s * n1 - discounted * n2,
        "delta": n1,
        "vega": vega,
        "theta": s * density * sigma / (2 * math.sqrt(t)) + r * discounted * n2,
        "rho": t * discounted * n2,
        "gamma": density / (s * spread),
        "vanna": -density * d2 / sigma,
        "volga": vega * d1 * d2 / sigma,
    }


def main(options=10_000):
    """Price a book of options and check a sample of it."""
    rng = np.random.default_rng(1)
    low, high = np.array([[80, 80, 0.1, 0.1], [120, 120, 0.5, 2.0]])
    book = rng.uniform(low, high, (options, 4))
    rate = 0.03
    fn = compile_greeks()

    begin = time.perf_counter()
    result = fn(book, r=rate)
    seconds = time.perf_counter() - begin
    print(fn)
    print(f"first call after compile: {options / seconds:,.0f} options per second")

    spot, strike, _, years = book.T
    call, put = result.price.T
    parity = np.abs(call - put - spot + strike * np.exp(-rate * years)).max()
    print(f"put-call parity holds to {parity:.1e}, of prices up to {call.max():.1f}")
    assert parity < 1e-12 * spot.max()
    assert np.abs(result.delta[:, 0] - result.delta[:, 1] - 1).max() < 1e-13

    print("worst relative difference from the closed forms, of the largest value of each:")
    sample = range(0, options, max(1, options // 1000))
    expected = [closed_forms(*map(float, book[i]), rate) for i in sample]
    for name in GREEKS:
        exact = np.array([row[name] for row in expected])
        error = np.abs(result[name][sample, 0] - exact).max() / np.abs(exact).max()
        print(f"  {name:6} {error:.1e}   first option: {result[name][0, 0]:.6f}")
        assert error < 1e-13, name


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--options", type=int, default=1_000_000)
    main(parser.parse_args().options)
