"""The Peng-Robinson equation of state: a whole phase grid from derivatives of one energy.

The residual Helmholtz energy of one mole at temperature T and volume V is

    A(T, V) = -R T ln(1 - b/V) - a(T)/(2 sqrt(2) b) ln((V + (1 + sqrt(2)) b)/(V + (1 - sqrt(2)) b))

and everything else is a derivative of it: pressure P = R T/V - A_V, its slopes
P_T = R/V - A_TV and P_V = -R T/V^2 - A_VV, the residual heat capacity C_V = -T A_TT, the
isothermal compressibility -1/(V P_V) and C_P - C_V = -T P_T^2 / P_V. The third derivative by V
shows the critical point, where P_V and P_VV are both zero. Substance constants are parameters, and
temperatures down and volumes across broadcast to the grid. All is in SI units.

Source: D.-Y. Peng, D. B. Robinson, "A New Two-Constant Equation of State", Ind. Eng. Chem.
Fundam. 15, 1976; their 0.07780 and 0.45724 follow here from the critical point itself. Carbon
dioxide: R. Span, W. Wagner, J. Phys. Chem. Ref. Data 25, 1996.

    python examples/equation_of_state.py --side 1000
"""

import argparse
import time

import numpy as np

import symgrad as sg

R = 8.314462618  # J/(mol K)
CARBON_DIOXIDE = {"Tc": 304.1282, "Pc": 7.3773e6, "omega": 0.22394}
ROOT = 2**0.5

# At the critical point P(V) has a triple root; b/V there is ETA.
ETA = 1 / (1 + (4 - 8**0.5) ** (1 / 3) + (4 + 8**0.5) ** (1 / 3))
OMEGA_B = ETA / (3 + ETA)
OMEGA_A = (8 + 40 * ETA) / (49 - 37 * ETA)

WANTED = {
    "A": (),
    "A_T": ("T",),
    "A_V": ("V",),
    "A_TT": ("T", "T"),
    "A_TV": ("T", "V"),
    "A_VV": ("V", "V"),
    "A_VVV": ("V", "V", "V"),
}


def attraction(m, t, tc, pc, omega):
    """The energy parameter a(T), with Soave's kind of dependence on temperature."""
    kappa = 0.37464 + 1.54226 * omega - 0.26992 * omega**2
    return OMEGA_A * (R * tc) ** 2 / pc * (1 + kappa * (1 - m.sqrt(t / tc))) ** 2


def helmholtz(m, t, v, tc, pc, omega):
    """The residual Helmholtz energy in J/mol; ``m`` gives sqrt and log."""
    b = OMEGA_B * R * tc / pc
    bracket = m.log((v + (1 + ROOT) * b) / (v + (1 - ROOT) * b))
    a = attraction(m, t, tc, pc, omega)
    return -R * t * m.log(1 - b / v) - a / (2 * ROOT * b) * bracket


def pressure(t, v, tc, pc, omega):
    """The pressure as published, in Pa."""
    b = OMEGA_B * R * tc / pc
    return R * t / (v - b) - attraction(np, t, tc, pc, omega) / (v * (v + b) + b * (v - b))


def compile_energy():
    """The compiled energy and its seven partials; the substance is a parameter."""
    t, v, *substance = variables = sg.variables("T V Tc Pc omega")
    energy = helmholtz(sg.math, *variables)
    return sg.compile(energy, [t, v], WANTED, parameters=substance, name="peng_robinson")


def worst(got, expected):
    """The largest difference, relative to the largest expected value."""
    return np.abs(got - expected).max() / np.abs(expected).max()


def main(side=100):
    """Evaluate a side x side grid of states and check it."""
    substance = CARBON_DIOXIDE
    b = OMEGA_B * R * substance["Tc"] / substance["Pc"]
    t, v = np.linspace(220, 600, side)[:, None], np.geomspace(1.2 * b, 500 * b, side)
    fn = compile_energy()

    begin = time.perf_counter()
    state = fn(t, v, **substance)
    seconds = time.perf_counter() - begin
    print(fn)
    print(f"first call after compile: {side * side / seconds:,.0f} states per second")

    p = R * t / v - state.A_V
    p_t, p_v = R / v - state.A_TV, -R * t / v**2 - state.A_VV
    print(f"pressures {p.min() / 1e6:.1f} to {p.max() / 1e6:.1f} MPa; ", end="")
    print(f"{np.mean(p_v >= 0):.1%} of the states are mechanically unstable")
    ours = fn(300.0, 1e-3, **substance)
    p_t1, p_v1 = R / 1e-3 - ours.A_TV, -R * 300 / 1e-6 - ours.A_VV
    print(f"at 300 K and 1 litre: P {R * 300 / 1e-3 - ours.A_V:.0f} Pa, residual C_V ", end="")
    print(f"{-300 * ours.A_TT:.4f}, C_P - C_V {-300 * p_t1**2 / p_v1:.4f} J/(mol K), ", end="")
    print(f"compressibility {-1 / (1e-3 * p_v1):.4e} 1/Pa")

    # A complex step differentiates the published formulas to rounding error.
    h, constants = 1e-30j, substance.values()
    errors = {
        "pressure": worst(p, pressure(t, v, *constants)),
        "P_T": worst(p_t, pressure(t + h, v, *constants).imag / h.imag),
        "P_V": worst(p_v, pressure(t, v + h, *constants).imag / h.imag),
        "A_T": worst(state.A_T, helmholtz(np, t + h, v, *constants).imag / h.imag),
    }
    # Maxwell: C_V depends on V as the curvature of P in T does, (dC_V/dV)_T = T (d2P/dT2)_V.
    step = 1e-4 * v
    heat = [-t * fn(t, v + sign * step, **substance).A_TT for sign in (1, -1)]
    gap = [pressure(t + sign, v, *constants) for sign in (1, 0, -1)]
    errors["Maxwell"] = worst((heat[0] - heat[1]) / (2 * step), t * (gap[0] - 2 * gap[1] + gap[2]))
    critical = fn(substance["Tc"], b / ETA, **substance)
    scale = R * substance["Tc"] * (ETA / b) ** 2
    errors["critical P_V"] = abs(-scale - critical.A_VV) / scale
    errors["critical P_VV"] = abs(2 * scale - critical.A_VVV * b / ETA) / scale
    for name, error in errors.items():
        print(f"  {name:13} differs by {error:.1e}")
        assert error < (1e-3 if name == "Maxwell" else 1e-12), name


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=1000)
    main(parser.parse_args().side)
