#include <stdint.h>
/* x y + a, points first, the parameter by value */
#define KERNEL(name, T)                                              \
    void name(int blocks, int threads, void **p)                     \
    {                                                                \
        const int64_t n = *(int64_t *)p[0], step = *(int64_t *)p[2]; \
        const T *x = *(T **)p[1], a = *(T *)p[3];                    \
        T *value = *(T **)p[4];                                      \
        for (int64_t i = 0; i < n; ++i)                              \
            value[i] = x[i * step] * x[i * step + 1] + a;            \
    }
KERNEL(of_float64, double)
KERNEL(of_float32, float)
/* the same of columns that are arrays of their own */
#define SEPARATE(name, T)                                     \
    void name(int blocks, int threads, void **p)              \
    {                                                         \
        const int64_t n = *(int64_t *)p[0];                   \
        const T *x = *(T **)p[1], *y = *(T **)p[2], a = *(T *)p[3]; \
        T *value = *(T **)p[4];                               \
        for (int64_t i = 0; i < n; ++i)                       \
            value[i] = x[i] * y[i] + a;                       \
    }
SEPARATE(separate_float64, double)
SEPARATE(separate_float32, float)
