/* value and jacobian, as straight-line C99.
 *
 * polar fills the result arrays at one point:
 *
 *     x[2]  inputs: r, t
 *     p[1]  parameters: k
 *     value[2]
 *     jacobian[4] = (2, 2)
 *
 * Arrays are row-major. polar_batch takes n points, each array holding one point's block after
 * the other, p once for all. Arguments must not overlap with results.
 *
 * 7 operations in double. Compile with -ffp-contract=off, and never with -ffast-math, for the
 * same bits everywhere; with -DSYMGRAD_SELF_TEST and -lm it becomes a program that tests
 * itself.
 */
#include <math.h>

void polar(const double *restrict x, const double *restrict p, double *restrict value,
           double *restrict jacobian)
{
    const double v0 = x[0];  // r
    const double v1 = x[1];  // t
    const double v2 = p[0];  // k
    const double v3 = cos(v1);
    const double v4 = sin(v1);
    const double v5 = v0 * v3;
    // value[0] of east
    value[0] = v5;
    // jacobian[0, 0] of east
    jacobian[0] = v3;
    const double v6 = v2 * v4;
    const double v7 = v0 * v6;
    // value[1] of north
    value[1] = v7;
    const double v8 = v0 * v4;
    const double v9 = -v8;
    // jacobian[0, 1] of east
    jacobian[1] = v9;
    // jacobian[1, 0] of north
    jacobian[2] = v6;
    const double v10 = v2 * v5;
    // jacobian[1, 1] of north
    jacobian[3] = v10;
}

void polar_batch(long n, const double *restrict x, const double *restrict p,
                 double *restrict value, double *restrict jacobian)
{
    for (long i = 0; i < n; ++i)
        polar(x + 2 * i, p, value + 2 * i, jacobian + 4 * i);
}

#ifdef SYMGRAD_SELF_TEST
#include <float.h>
#include <stdio.h>

/* The largest error, in ulp of the expected entry or of a thousandth of the largest one. The larger
   of the two counts: an entry may be what is left after terms have cancelled. */
static double error_in_ulp(const double *got, const double *expected, long size)
{
    double largest = 0;
    double worst = 0;
    for (long i = 0; i < size; ++i)
        if (isfinite(expected[i]))
            largest = fmax(largest, fabs(expected[i]));
    if (largest == 0)
        largest = 1;
    for (long i = 0; i < size; ++i) {
        const double own = isfinite(expected[i]) ? fabs(expected[i]) : 0;
        const double scale = fmax(fmax(own, largest / 1000), DBL_MIN);
        const double error = fabs(got[i] - expected[i]) / (scale - nextafter(scale, 0));
        if (got[i] == expected[i] || (isnan(got[i]) && isnan(expected[i])))
            continue;
        if (!(error <= worst))
            worst = isnan(error) ? INFINITY : error;
    }
    return worst;
}

/* Compare one point with 50-digit arithmetic: 0 if all is well, else 1. */
int main(void)
{
    static const double x[] = {1.5, 0.25};
    static const double p[] = {2.0};
    static const double expected_value[] = {1.4533686325659672, 0.7422118777635688};
    static double value[2];
    static const double expected_jacobian[] = {0.9689124217106447, -0.3711059388817844,
        0.4948079185090459, 2.9067372651319343};
    static double jacobian[4];
    double worst = 0;

    polar(x, p, value, jacobian);
    worst = fmax(worst, error_in_ulp(value, expected_value, 2));
    worst = fmax(worst, error_in_ulp(jacobian, expected_jacobian, 4));
    const int passed = worst <= 1000000.0;
    printf("self-test %s: largest error %.3g ulp\n", passed ? "passed" : "FAILED", worst);
    return passed ? 0 : 1;
}
#endif
