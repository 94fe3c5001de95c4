"""Bundle adjustment: a traced 2 x 15 Jacobian for every observation in one call, and its use.

A camera with rotation vector w, centre C, focal length f, principal point c and radial distortion
(k1, k2) sees a point X at c + f (1 + k1 r^2 + k2 r^4) p, where p = (x/z, y/z), r = |p| and
(x, y, z) = R(w) (X - C), the rotation by Rodrigues' formula. The residual is the weighted distance
to the measured pixel; weight 0 means that the camera does not see the point.

Everything is plain Python over Exprs. The residuals feed Levenberg-Marquardt, which eliminates the
points by their Schur complement, until the reprojection error is the noise of the pixels.

Source: B. Triggs, P. McLauchlan, R. Hartley, A. Fitzgibbon, "Bundle Adjustment - A Modern
Synthesis", 2000; the distortion: D. C. Brown, "Close-Range Camera Calibration", 1971.

    python examples/bundle_adjustment.py --cameras 16 --points 10000
"""

import argparse
import time

import numpy as np

import symgrad as sg

CAMERA = 11  # rotation 3, centre 3, focal length, principal point 2, distortion 2
NOISE = 0.5  # standard deviation of a measured coordinate, in pixels


def residual(m, p, measured):
    """The two weighted residuals; p: camera (11), point (3), weight. w must not be zero."""
    w, centre, focal, principal, k = p[0:3], p[3:6], p[6], p[7:9], p[9:11]
    point, weight = p[11:14], p[14]
    angle = m.sqrt(w[0] ** 2 + w[1] ** 2 + w[2] ** 2)
    a = [component / angle for component in w]
    d = [point[i] - centre[i] for i in range(3)]
    along = (a[0] * d[0] + a[1] * d[1] + a[2] * d[2]) * (1 - m.cos(angle))
    cross = [a[i - 2] * d[i - 1] - a[i - 1] * d[i - 2] for i in range(3)]
    x, y, z = (d[i] * m.cos(angle) + cross[i] * m.sin(angle) + a[i] * along for i in range(3))
    r2 = (x / z) ** 2 + (y / z) ** 2
    scale = focal * (1 + k[0] * r2 + k[1] * r2**2)
    seen = (principal[0] + scale * x / z, principal[1] + scale * y / z)
    return [weight * (seen[i] - measured[i]) for i in range(2)]


def compile_residual():
    """The compiled residual and its Jacobian by the 15 unknowns; the pixel is a parameter."""
    p, measured = sg.variables("p", 15), sg.variables("u v")
    outputs = residual(sg.math, p, measured)
    return sg.compile(outputs, p, ["value", "jacobian"], parameters=measured)


def simulate(fn, cameras, points, rng):
    """True cameras on a ring, true points in a ball, the noisy pixels and who sees what."""
    turn = 0.3 + 2 * np.pi * np.arange(cameras) / cameras
    ring = np.zeros((cameras, CAMERA))
    ring[:, 1] = turn
    ring[:, 3:6] = 6 * np.stack([np.sin(turn), 0.1 * np.cos(3 * turn), -np.cos(turn)], axis=1)
    ring[:, 6:] = (1000, 640, 480, -0.05, 0.01)
    ball = rng.normal(size=(points, 3))
    ball *= (rng.random(points) ** (1 / 3) / np.linalg.norm(ball, axis=1))[:, None]
    visible = np.add.outer(np.arange(cameras), np.arange(points)) % 4 > 0
    exact = observe(fn, ring, ball, 1.0, np.zeros(2)).value
    return ring, ball, exact + rng.normal(0, NOISE, exact.shape), visible / NOISE


def observe(fn, cameras, points, weights, pixels):
    """Residuals and Jacobians of all observations: cameras go down, points across."""
    u, v = pixels[..., 0], pixels[..., 1]
    return fn(*cameras.T[:, :, None], *points.T, weights, u=u, v=v)


def step(r, jacobian, damping):
    """The damped Gauss-Newton step of the cameras and of the points, by the Schur complement."""
    a, b = jacobian[..., :CAMERA], jacobian[..., CAMERA:14]
    u, v = np.einsum("cpki,cpkj->cij", a, a), np.einsum("cpki,cpkj->pij", b, b)
    w = np.einsum("cpki,cpkj->cipj", a, b).reshape(CAMERA * len(a), -1)
    for block in (u, v):
        block += damping * np.einsum("nii,ij->nij", block, np.eye(block.shape[-1]))
    inverse = np.linalg.inv(v)
    right_a, right_b = np.einsum("cpki,cpk->ci", a, r), np.einsum("cpki,cpk->pi", b, r)
    wv = np.einsum("npi,pij->npj", w.reshape(len(w), -1, 3), inverse).reshape(w.shape)
    schur = -wv @ w.T
    for c, block in enumerate(u):
        part = slice(CAMERA * c, CAMERA * (c + 1))
        schur[part, part] += block
    cameras = np.linalg.solve(schur, wv @ right_b.ravel() - right_a.ravel())
    points = -np.einsum("pij,pj->pi", inverse, right_b + (w.T @ cameras).reshape(-1, 3))
    return cameras.reshape(-1, CAMERA), points


def main(cameras=8, points=300, steps=25):
    """Simulate a scene, disturb it, and fit it back to the noise."""
    rng = np.random.default_rng(7)
    fn = compile_residual()
    ring, ball, pixels, weights = simulate(fn, cameras, points, rng)

    begin = time.perf_counter()
    value, jacobian = observe(fn, ring, ball, weights, pixels)
    seconds = time.perf_counter() - begin
    print(f"{cameras} cameras, {points} points: residuals {value.shape}, Jacobian {jacobian.shape}")
    print(f"one call: {cameras * points / seconds:,.0f} observations per second")
    # Moving the camera and moving the point are opposite; the weight is a factor.
    assert np.allclose(jacobian[..., 3:6], -jacobian[..., 11:14], rtol=1e-9, atol=1e-7)
    assert np.allclose(jacobian[..., 14] * weights[..., None], value, rtol=1e-9, atol=1e-9)
    x, (u, v) = np.concatenate([ring[0], ball[0], [1 / NOISE]]), pixels[0, 0]
    h = 1e-6 * np.maximum(1, np.abs(x)) * np.eye(15)
    near = [fn(x + sign * h, u=u, v=v).value for sign in (1, -1)]
    exact = fn(x, u=u, v=v).jacobian
    difference = ((near[0] - near[1]) / (2 * h.sum(0))[:, None]).T
    assert np.allclose(exact, difference, rtol=1e-5, atol=1e-4), "finite differences"

    ring = ring + rng.normal(size=ring.shape) * (*3 * [0.01], *3 * [0.05], 20, 5, 5, 0.01, 0.01)
    ball = ball + rng.normal(0, 0.05, ball.shape)
    seen = np.count_nonzero(weights)
    freedom = 2 * seen - ring.size - ball.size + 7  # a scene has no place, direction or size
    value, jacobian = observe(fn, ring, ball, weights, pixels)
    cost, damping = np.sum(value**2), 1e-4
    for iteration in range(steps):
        print(f"step {iteration}: error {NOISE * np.sqrt(cost / freedom):.4f} pixels")
        moves = step(value, jacobian, damping)
        tried = observe(fn, ring + moves[0], ball + moves[1], weights, pixels)
        gain = cost - np.sum(tried.value**2)
        if gain > 0:
            ring, ball, (value, jacobian) = ring + moves[0], ball + moves[1], tried
        cost -= max(gain, 0)
        damping *= 0.1 if gain > 0 else 10
        if abs(gain) < 1e-6 * cost:
            break
    chi = (cost / freedom - 1) / np.sqrt(2 / freedom)
    print(f"noise {NOISE} pixels; chi-squared is {chi:+.2f} standard deviations from expected")
    assert abs(chi) < 5, "the error left over is not the noise"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cameras", type=int, default=16)
    parser.add_argument("--points", type=int, default=10_000)
    options = parser.parse_args()
    main(options.cameras, options.points)
