"""The benchmark problems: plain Python functions that any array or symbolic library can trace.

A problem's `function(m, x)` receives a namespace `m` with sin, cos, exp, log, sqrt and erf, and
a sequence `x` of inputs followed by parameters; it returns the list of its outputs. `PROBLEMS`
maps every name to its `Problem`; the generators (`rosenbrock(10)`, `arm("ur5")`) make other sizes.

    >>> import math
    >>> PROBLEMS["sine"].function(math, [2.0, 0.5])
    [1.917702154416812]
"""

import itertools
import math
import random
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

from benchmarks.problem import Bounds, Function, Problem

Matrix = list[list[Any]]


def sine(m: Any, x: Any) -> list[Any]:
    """x1^2 sin(x2), the smallest problem: its run time is memory traffic and one sine."""
    return [x[0] ** 2 * m.sin(x[1])]


def black_scholes(m: Any, x: Any) -> list[Any]:
    """Price of a European call: spot, strike, rate, volatility, years (Black and Scholes 1973)."""
    spot, strike, rate, volatility, years = x
    deviation = volatility * m.sqrt(years)
    d1 = (m.log(spot / strike) + (rate + volatility**2 / 2) * years) / deviation
    d2 = d1 - deviation

    def normal(z: Any) -> Any:
        return (1 + m.erf(z / math.sqrt(2))) / 2

    return [spot * normal(d1) - strike * m.exp(-rate * years) * normal(d2)]


def bundle_adjustment(m: Any, x: Any) -> list[Any]:
    """Reprojection error of one observation, as in the BA objective of ADBench (Srajer 2018).

    x is rotation (3), camera centre (3), focal length, principal point (2), radial distortion (2),
    point (3), weight, and the measured feature (2).
    """
    rotation, centre, focal, principal = x[0:3], x[3:6], x[6], x[7:9]
    radial, point, weight, feature = x[9:11], x[11:14], x[14], x[15:17]
    shifted = [point[k] - centre[k] for k in range(3)]
    angle = m.sqrt(rotation[0] ** 2 + rotation[1] ** 2 + rotation[2] ** 2)
    cosine, sine_, inverse = m.cos(angle), m.sin(angle), 1 / angle
    axis = [rotation[k] * inverse for k in range(3)]
    cross = [
        axis[1] * shifted[2] - axis[2] * shifted[1],
        axis[2] * shifted[0] - axis[0] * shifted[2],
        axis[0] * shifted[1] - axis[1] * shifted[0],
    ]
    along = axis[0] * shifted[0] + axis[1] * shifted[1] + axis[2] * shifted[2]
    along = along * (1 - cosine)
    camera = [shifted[k] * cosine + cross[k] * sine_ + axis[k] * along for k in range(3)]
    px, py = camera[0] / camera[2], camera[1] / camera[2]
    square = px**2 + py**2
    distortion = 1 + radial[0] * square + radial[1] * square * square
    return [
        weight * (px * distortion * focal + principal[0] - feature[0]),
        weight * (py * distortion * focal + principal[1] - feature[1]),
    ]


def nested(m: Any, x: Any) -> list[Any]:
    """Sines of cosines of sines: one input, every function call inside another."""
    t = x[0]
    first = m.sin(m.cos(m.sin(t)) * t) * m.exp(-(m.sin(t) ** 2))
    return [first + m.cos(m.exp(m.sin(t * t)) * m.cos(t))]


def kerr(m: Any, x: Any) -> list[Any]:
    """Kerr metric in Boyer-Lindquist coordinates and its inverse: r, theta; mass, spin."""
    r, theta, mass, spin = x
    sine2, cosine = m.sin(theta) ** 2, m.cos(theta)
    sigma = r**2 + spin**2 * cosine**2
    delta = r**2 - 2 * mass * r + spin**2
    g_tt = -(1 - 2 * mass * r / sigma)
    g_tp = -2 * mass * spin * r * sine2 / sigma
    g_pp = (r**2 + spin**2 + 2 * mass * spin**2 * r * sine2 / sigma) * sine2
    total = (r**2 + spin**2) ** 2 - spin**2 * delta * sine2
    i_tt = -total / (sigma * delta)
    i_tp = -2 * mass * spin * r / (sigma * delta)
    i_pp = (delta - spin**2 * sine2) / (sigma * delta * sine2)
    return [g_tt, g_tp, sigma / delta, sigma, g_pp, i_tt, i_tp, delta / sigma, 1 / sigma, i_pp]


def rosenbrock(n: int) -> Function:
    """The chained Rosenbrock valley of n inputs (Rosenbrock 1960)."""

    def function(m: Any, x: Any) -> list[Any]:
        total = 0
        for i in range(n - 1):
            total = total + (1 - x[i]) ** 2 + 100 * (x[i + 1] - x[i] ** 2) ** 2
        return [total]

    return function


def chebyshev(n: int) -> Function:
    """The Chebyshev polynomial T_n by its three-term recurrence (DLMF 18.9.1)."""

    def function(m: Any, x: Any) -> list[Any]:
        previous, current = 1, x[0]
        for _ in range(n - 1):
            previous, current = current, 2 * x[0] * current - previous
        return [current]

    return function


def matrix_product(a: Matrix, b: Matrix) -> Matrix:
    """Product of two matrices of traced values; entries that are the number zero are skipped."""
    rows = []
    for row in a:
        entries = []
        for j in range(len(b[0])):
            total: Any = 0
            for left, below in zip(row, b, strict=True):
                if any(isinstance(v, int | float) and v == 0 for v in (left, below[j])):
                    continue
                term = left * below[j]
                total = term if isinstance(total, int) and total == 0 else total + term
            entries.append(total)
        rows.append(entries)
    return rows


def matrix_function(n: int) -> Function:
    """The n^2 entries of (a + b)(a b)^T for n x n matrices a and b, column by column."""

    def function(m: Any, x: Any) -> list[Any]:
        a = [[x[j * n + i] for j in range(n)] for i in range(n)]
        b = [[x[n * n + j * n + i] for j in range(n)] for i in range(n)]
        total = [[a[i][j] + b[i][j] for j in range(n)] for i in range(n)]
        product = matrix_product(a, b)
        transposed = [[product[j][i] for j in range(n)] for i in range(n)]
        result = matrix_product(total, transposed)
        return [result[i][j] for j in range(n) for i in range(n)]

    return function


# Denavit-Hartenberg rows (d, a, alpha) in metres and radians, one a joint, as the makers publish.
JOINTS: dict[str, tuple[tuple[float, float, float], ...]] = {
    "iiwa7": (
        (0.34, 0, -math.pi / 2),
        (0, 0, math.pi / 2),
        (0.4, 0, math.pi / 2),
        (0, 0, -math.pi / 2),
        (0.4, 0, -math.pi / 2),
        (0, 0, math.pi / 2),
        (0.126, 0, 0),
    ),
    "ur5": (
        (0.089159, 0, math.pi / 2),
        (0, -0.425, 0),
        (0, -0.39225, 0),
        (0.10915, 0, math.pi / 2),
        (0.09465, 0, -math.pi / 2),
        (0.0823, 0, 0),
    ),
}


def arm(kind: Literal["iiwa7", "ur5"]) -> Function:
    """Position (3) and rotation matrix (9) of a robot's tool from its joint angles."""
    joints = JOINTS[kind]

    def exact(value: float) -> float:
        # The twists are multiples of pi/2: their sines and cosines are -1, 0 and 1.
        rounded = round(value, 12)
        return int(rounded) if rounded == int(rounded) else rounded

    def function(m: Any, x: Any) -> list[Any]:
        pose: Matrix = [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
        for angle, (offset, length, twist) in zip(x, joints, strict=True):
            ct, st = exact(math.cos(twist)), exact(math.sin(twist))
            c, s = m.cos(angle), m.sin(angle)
            link = [
                [c, -s * ct, s * st, length * c],
                [s, c * ct, -c * st, length * s],
                [0, st, ct, offset],
                [0, 0, 0, 1],
            ]
            pose = matrix_product(pose, link)
        return [pose[i][3] for i in range(3)] + [pose[i][j] for i in range(3) for j in range(3)]

    return function


def leading(count: int, function: Function) -> Function:
    """The first outputs of a function."""
    return lambda m, x: function(m, x)[:count]


def pair_energy(atoms: int, energy: Callable[[Any, Any], Any]) -> Function:
    """Sum of `energy(m, squared distance)` over all pairs of atoms at (x, y, z) each."""

    def function(m: Any, x: Any) -> list[Any]:
        total = 0
        for i in range(atoms):
            for j in range(i):
                d = [x[3 * i + k] - x[3 * j + k] for k in range(3)]
                total = total + energy(m, d[0] ** 2 + d[1] ** 2 + d[2] ** 2)
        return [total]

    return function


def lennard_jones(m: Any, square: Any) -> Any:
    """4 (r^-12 - r^-6) from r^2 (Lennard-Jones 1931, in reduced units)."""
    inverse6 = 1 / square**3
    return 4 * (inverse6 * inverse6 - inverse6)


def morse(m: Any, square: Any) -> Any:
    """(1 - exp(-1.5 (r - 1.2)))^2 from r^2 (Morse 1929)."""
    return (1 - m.exp(-1.5 * (m.sqrt(square) - 1.2))) ** 2


def tersoff(atoms: int) -> Function:
    """Bond-order energy of silicon, every pair in range (Tersoff 1988, Phys. Rev. B 37, 6991)."""
    repulsion, attraction, decay_r, decay_a = 1830.8, 471.18, 2.4799, 1.7322
    beta, power, c, d, h = 1.1e-6, 0.78734, 1.0039e5, 16.217, -0.59825

    def function(m: Any, x: Any) -> list[Any]:
        vector, length = {}, {}
        for i in range(atoms):
            for j in range(i):
                v = [x[3 * i + k] - x[3 * j + k] for k in range(3)]
                vector[i, j], vector[j, i] = v, [-entry for entry in v]
                length[i, j] = m.sqrt(v[0] ** 2 + v[1] ** 2 + v[2] ** 2)
                length[j, i] = length[i, j]
        total = 0
        for i, j in itertools.permutations(range(atoms), 2):
            zeta: Any = 0
            for k in range(atoms):
                if k in (i, j):
                    continue
                u, v = vector[i, j], vector[i, k]
                dot = u[0] * v[0] + u[1] * v[1] + u[2] * v[2]
                cosine = dot / (length[i, j] * length[i, k])
                zeta = zeta + 1 + c**2 / d**2 - c**2 / (d**2 + (h - cosine) ** 2)
            order = (1 + (beta * zeta) ** power) ** (-0.5 / power)
            attractive = order * attraction * m.exp(-decay_a * length[i, j])
            total = total + 0.5 * (repulsion * m.exp(-decay_r * length[i, j]) - attractive)
        return [total]

    return function


def spherical_harmonics(degrees: int) -> Function:
    """Real solid harmonics of degree below `degrees`, degrees^2 outputs of (x, y, z).

    Built by recurrences in the degree and the order; the factors are those of the benchmark of
    FastDifferentiation.jl, so that counts of operations can be compared.
    """

    def factor(degree: int, order: int) -> float:
        if order == 0:
            return math.sqrt(2 * degree + 1 / (4 * math.pi))
        ratio = math.factorial(degree - order) / math.factorial(degree + order)
        return math.sqrt((2 * degree + 1) / 2 * math.pi * ratio)

    def function(m: Any, inputs: Any) -> list[Any]:
        x, y, z = inputs
        legendre: dict[tuple[int, int], Any] = {}
        for order in range(degrees):
            for degree in range(order, degrees):
                if degree == 0:
                    value: Any = 1.0
                elif degree == order:
                    value = (1 - 2 * order) * legendre[order - 1, order - 1]
                elif degree == order + 1:
                    value = (2 * order + 1) * z * legendre[order, order]
                else:
                    first = (2 * degree - 1) / (degree - order) * z * legendre[degree - 1, order]
                    last = (degree + order - 1) / (degree - order) * legendre[degree - 2, order]
                    value = first - last
                legendre[degree, order] = value
        sines: list[Any] = [0]
        cosines: list[Any] = [1]
        for _ in range(1, degrees):
            s, c = sines[-1], cosines[-1]
            sines.append(x * c - y * s)
            cosines.append(x * s + y * c)
        outputs = []
        for degree in range(degrees):
            for order in range(-degree, degree + 1):
                angular = sines[-order] if order < 0 else cosines[order]
                size = abs(order)
                outputs.append(factor(degree, size) * legendre[degree, size] * angular)
        return outputs

    return function


# POLLU, the air pollution problem of Verwer (1994), as in the Test Set for IVP Solvers: the rate
# constant and the species of each reaction, and for each species the signed reactions it is in.
# fmt: off
REACTIONS: tuple[tuple[float, tuple[int, ...]], ...] = (
    (0.35, (1,)), (26.6, (2, 4)), (1.23e4, (5, 2)), (8.6e-4, (7,)), (8.2e-4, (7,)),
    (1.5e4, (7, 6)), (1.3e-4, (9,)), (2.4e4, (9, 6)), (1.65e4, (11, 2)), (9.0e3, (11, 1)),
    (0.022, (13,)), (1.2e4, (10, 2)), (1.88, (14,)), (1.63e4, (1, 6)), (4.8e6, (3,)),
    (3.5e-4, (4,)), (0.0175, (4,)), (1.0e8, (16,)), (4.44e11, (16,)), (1.24e3, (17, 6)),
    (2.1, (19,)), (5.78, (19,)), (0.0474, (1, 4)), (1.78e3, (19, 1)), (3.12, (20,)),
)
SPECIES: tuple[tuple[int, ...], ...] = (
    (-1, -10, -14, -23, -24, 2, 3, 9, 11, 12, 22, 25),
    (-2, -3, -9, -12, 1, 21),
    (-15, 1, 17, 19, 22),
    (-2, -16, -17, -23, 15),
    (-3, 4, 4, 6, 7, 13, 20),
    (-6, -8, -14, -20, 3, 18, 18),
    (-4, -5, -6, 13),
    (4, 5, 6, 7),
    (-7, -8),
    (-12, 7, 9),
    (-9, -10, 8, 11),
    (9,),
    (-11, 10),
    (-13, 12),
    (14,),
    (-18, -19, 16),
    (-20,),
    (20,),
    (-21, -22, -24, 23, 25),
    (-25, 24),
)
# fmt: on


def pollution(m: Any, x: Any) -> list[Any]:
    """Right-hand side of POLLU: 20 concentrations, 25 reactions, a sparse Jacobian."""
    rates = []
    for rate, species in REACTIONS:
        for index in species:
            rate = rate * x[index - 1]
        rates.append(rate)
    outputs = []
    for reactions in SPECIES:
        total: Any = 0
        for reaction in reactions:
            flow = rates[abs(reaction) - 1]
            total = total + flow if reaction > 0 else total - flow
        outputs.append(total)
    return outputs


def kinetics(species: int, reactions: int) -> Function:
    """Production rates of a random reversible Arrhenius mechanism of reduced quantities.

    x is the concentrations and the temperature T. Each reaction has the forward rate
    A T^b exp(-E/T) and the equilibrium factor exp(S - H/T).
    """
    generator = random.Random(1)
    mechanism = []
    for _ in range(reactions):
        left = generator.sample(range(species), generator.choice([1, 2, 2, 2]))
        right = generator.sample(range(species), generator.choice([1, 2, 2]))
        constants = (
            generator.uniform(1, 1e3),
            generator.choice([0, 0.5, 1, 2, -1]),
            generator.uniform(0.1, 5),
            generator.uniform(-3, 3),
            generator.uniform(-3, 3),
        )
        mechanism.append((left, right, constants))

    def function(m: Any, x: Any) -> list[Any]:
        temperature = x[species]
        outputs: list[Any] = [0] * species
        logarithm, inverse = m.log(temperature), 1 / temperature
        for left, right, (factor, power, energy, entropy, enthalpy) in mechanism:
            forward = factor * m.exp(power * logarithm - energy * inverse)
            backward = forward * m.exp(entropy - enthalpy * inverse)
            for i in left:
                forward = forward * x[i]
            for i in right:
                backward = backward * x[i]
            flow = forward - backward
            for i in left:
                outputs[i] = outputs[i] - flow
            for i in right:
                outputs[i] = outputs[i] + flow
        return outputs

    return function


def lattice(atoms: int, spacing: float, jitter: float) -> Bounds:
    """Box around the first sites of a cubic lattice, so that atoms never come too close."""
    sites = itertools.islice(itertools.product(range(3), repeat=3), atoms)
    return around((tuple(spacing * k for k in site) for site in sites), jitter)


def around(sites: Iterable[Sequence[float]], jitter: float) -> Bounds:
    """Box of half width `jitter` around every coordinate of every site."""
    return tuple((c - jitter, c + jitter) for site in sites for c in site)


TETRAHEDRON = ((0.0, 0.0, 0.0), (0.0, 1.7, 1.7), (1.7, 0.0, 1.7), (1.7, 1.7, 0.0))
TURN = (-math.pi, math.pi)

# fmt: off
BLACK_SCHOLES_BOUNDS: Bounds = ((90, 110), (90, 110), (0.01, 0.05), (0.2, 0.5), (0.25, 2.0))
BUNDLE_BOUNDS: Bounds = (
    *((0.1, 0.3),) * 3, *((-0.5, 0.5),) * 3, (0.8, 1.2), *((-0.1, 0.1),) * 2,
    *((-0.05, 0.05),) * 2, (-1, 1), (-1, 1), (4, 6), (0.5, 1.5), *((-1, 1),) * 2,
)

# name, inputs, parameters, function, bounds, derivative
TABLE: tuple[tuple[str, int, int, Function, Bounds, Literal["gradient", "jacobian"]], ...] = (
    ("sine",              2,  0, sine,                   ((-3, 3),) * 2,              "gradient"),
    ("black_scholes",     5,  0, black_scholes,          BLACK_SCHOLES_BOUNDS,        "gradient"),
    ("bundle_adjustment", 15, 2, bundle_adjustment,      BUNDLE_BOUNDS,               "jacobian"),
    ("ur5",               6,  0, arm("ur5"),             (TURN,) * 6,                 "jacobian"),
    ("iiwa7",             7,  0, arm("iiwa7"),           (TURN,) * 7,                 "jacobian"),
    ("lj8",               24, 0, pair_energy(8, lennard_jones), lattice(8, 1.2, 0.1), "gradient"),
    ("rosenbrock10",      10, 0, rosenbrock(10),         ((-2, 2),) * 10,             "gradient"),
    ("morse8",            24, 0, pair_energy(8, morse),  lattice(8, 1.2, 0.1),        "gradient"),
    ("tersoff4",          12, 0, tersoff(4),             around(TETRAHEDRON, 0.2),    "gradient"),
    ("kinetics20",        21, 0, kinetics(20, 60),       ((0.1, 1),) * 20 + ((0.8, 1.6),),
     "jacobian"),
    ("sph7",              3,  0, spherical_harmonics(7), ((-1, 1),) * 3,              "jacobian"),
    ("pollu",             20, 0, pollution,              ((0.01, 1),) * 20,           "jacobian"),
    ("cheb10",            1,  0, chebyshev(10),          ((-0.9, 0.9),),              "gradient"),
    ("kerr",              2,  2, kerr,                   ((3, 10), (0.3, 2.8), (0.5, 1), (0, 0.4)),
     "jacobian"),
    ("nested",            1,  0, nested,                 ((-1.5, 1.5),),              "gradient"),
    ("matfun4",           32, 0, matrix_function(4),     ((-1, 1),) * 32,             "jacobian"),
)
# fmt: on

PROBLEMS: dict[str, Problem] = {row[0]: Problem(*row) for row in TABLE}
