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
#ifndef SYMGRAD_POLAR_H
#define SYMGRAD_POLAR_H

#ifdef __cplusplus
extern "C" {
#endif

void polar(const double *x, const double *p, double *value, double *jacobian);
void polar_batch(long n, const double *x, const double *p, double *value, double *jacobian);

#ifdef __cplusplus
}
#endif

#endif
