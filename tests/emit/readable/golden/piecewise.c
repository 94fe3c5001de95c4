/* value, u_x and u_xx, as straight-line C99.
 *
 * piecewise fills the result arrays at one point:
 *
 *     x[2]  inputs: a, b
 *     g1[1]  weights: w
 *     value[1]
 *     o1[2]  u_x
 *     o2[1] = (1, 1)  u_xx
 *
 * Arrays are row-major. piecewise_batch takes n points, each array holding one point's block
 * after the other. Arguments must not overlap with results.
 *
 * 15 operations in float. Compile with -ffp-contract=off, and never with -ffast-math, for the
 * same bits everywhere; with -DSYMGRAD_SELF_TEST and -lm it becomes a program that tests
 * itself.
 */
#include <math.h>
#include <stdbool.h>

void piecewise(const float *restrict x, const float *restrict g1, float *restrict value,
               float *restrict o1, float *restrict o2)
{
    (void)g1;
    const float v0 = x[0];  // a
    const float v1 = x[1];  // b
    const bool v2 = (-1.5f) < v0;
    const bool v3 = v1 <= 0.0f;
    const bool v4 = !v3;
    const bool v5 = v2 && v4;
    const bool v6 = v0 != v1;
    const bool v7 = true && v6;
    const bool v8 = v5 || v7;
    const float v9 = floorf(v0);
    const float v10 = powf((-1.5f), v9);
    const float v11 = -(-1.5f);
    const float v12 = v8 ? v10 : v11;
    const float v13 = v12 - (-1.5f);
    // value of u
    value[0] = v13;
    const bool v14 = v0 == v0;
    const float v15 = 0.1f * v1;
    const float v16 = v14 ? v15 : NAN;
    // u_x[0] of u
    o1[0] = v16;
    // u_x[1] of u
    o1[1] = -0.0f;
    // u_xx[0, 0] of u
    o2[0] = -INFINITY;
}

void piecewise_batch(long n, const float *restrict x, const float *restrict g1,
                     float *restrict value, float *restrict o1, float *restrict o2)
{
    for (long i = 0; i < n; ++i)
        piecewise(x + 2 * i, g1 + i, value + i, o1 + 2 * i, o2 + i);
}

#ifdef SYMGRAD_SELF_TEST
#include <float.h>
#include <stdio.h>

/* The largest error, in ulp of the expected entry or of a thousandth of the largest one. The larger
   of the two counts: an entry may be what is left after terms have cancelled. */
static double error_in_ulp(const float *got, const float *expected, long size)
{
    float largest = 0;
    double worst = 0;
    for (long i = 0; i < size; ++i)
        if (isfinite(expected[i]))
            largest = fmaxf(largest, fabsf(expected[i]));
    if (largest == 0)
        largest = 1;
    for (long i = 0; i < size; ++i) {
        const float own = isfinite(expected[i]) ? fabsf(expected[i]) : 0;
        const float scale = fmaxf(fmaxf(own, largest / 1000), FLT_MIN);
        const double error = fabsf(got[i] - expected[i]) / (scale - nextafterf(scale, 0));
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
    static const float x[] = {0.75f, 3.0f};
    static const float g1[] = {1.0f};
    static const float expected_value[] = {2.5f};
    static float value[1];
    static const float expected_o1[] = {0.3f, 0.0f};
    static float o1[2];
    static const float expected_o2[] = {-INFINITY};
    static float o2[1];
    double worst = 0;

    piecewise(x, g1, value, o1, o2);
    worst = fmax(worst, error_in_ulp(value, expected_value, 1));
    worst = fmax(worst, error_in_ulp(o1, expected_o1, 2));
    worst = fmax(worst, error_in_ulp(o2, expected_o2, 1));
    const int passed = worst <= 1000.0;
    printf("self-test %s: largest error %.3g ulp\n", passed ? "passed" : "FAILED", worst);
    return passed ? 0 : 1;
}
#endif
