/* A driver that is none: libcuda.so.1 of the host, for what the real packages ask of it.
 *
 * Addresses are those of the host, streams do nothing, and a "cubin" is the path of a library of C
 * functions that take (blocks, threads, addresses of the arguments). A call that needs a current
 * context fails without one; what lives, and the depth of contexts, can be asked for. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OK, INVALID_VALUE, OUT_OF_MEMORY, NO_CONTEXT = 201, NOT_SUPPORTED = 801 };
#define NEEDS_CONTEXT if (!depth) return NO_CONTEXT

static int devices[2];                 /* their addresses are the contexts */
static __thread void *stack[64];
static __thread int depth;
static long live;

long stub_live(void) { return live; }
int stub_depth(void) { return depth; }

int cuInit(unsigned flags)
{
    return getenv("STUB_FAILS") ? atoi(getenv("STUB_FAILS")) : OK;
}
int cuDriverGetVersion(int *version) { *version = 13000; return OK; }
int cuDeviceGetCount(int *count) { *count = 2; return OK; }
int cuDeviceGet(int *device, int index) { *device = index; return OK; }
int cuDeviceGetName(char *name, int size, int device)
{
    snprintf(name, size, "Stub %d", device);
    return OK;
}
int cuDeviceGetAttribute(int *value, int kind, int device)
{
    *value = kind == 16 ? 3 : kind == 75 ? 9 : kind == 76 ? 0 : kind == 11 ? 0x7fffffff : 1;
    return OK;
}
int cuDevicePrimaryCtxRetain(void **context, int device)
{
    *context = &devices[device];
    return OK;
}
int cuCtxGetCurrent(void **context) { *context = depth ? stack[depth - 1] : 0; return OK; }
int cuCtxPushCurrent_v2(void *context) { stack[depth++] = context; return OK; }
int cuCtxPopCurrent_v2(void **context)
{
    NEEDS_CONTEXT;
    *context = stack[--depth];
    return OK;
}
int cuCtxGetDevice(int *device)
{
    NEEDS_CONTEXT;
    *device = (int *)stack[depth - 1] - devices;
    return OK;
}
int cuGetErrorName(int status, const char **name) { *name = "CUDA_ERROR"; return OK; }
int cuGetErrorString(int status, const char **text)
{
    *text = "what went wrong";
    return OK;
}

int cuMemAllocAsync(uint64_t *address, size_t size, void *stream)
{
    NEEDS_CONTEXT;
    if (size > (size_t)1 << 33)
        return OUT_OF_MEMORY;
    *address = (uint64_t)malloc(size);
    memset((void *)*address, 0xff, size);
    ++live;
    return OK;
}
int cuMemFreeAsync(uint64_t address, void *stream)
{
    NEEDS_CONTEXT;
    free((void *)address);
    --live;
    return OK;
}
int cuMemHostAlloc(void **address, size_t size, unsigned flags)
{
    *address = malloc(size);
    ++live;
    return OK;
}
int cuMemFreeHost(void *address)
{
    NEEDS_CONTEXT;
    free(address);
    --live;
    return OK;
}
int cuMemcpyHtoDAsync_v2(uint64_t to, const void *from, size_t size, void *stream)
{
    NEEDS_CONTEXT;
    memcpy((void *)to, from, size);
    return OK;
}
int cuMemcpyDtoHAsync_v2(void *to, uint64_t from, size_t size, void *stream)
{
    NEEDS_CONTEXT;
    memcpy(to, (void *)from, size);
    return OK;
}
int cuMemcpyDtoDAsync_v2(uint64_t to, uint64_t from, size_t size, void *stream)
{
    NEEDS_CONTEXT;
    memcpy((void *)to, (void *)from, size);
    return OK;
}
typedef struct {
    size_t from_x, from_y;
    int from_type;
    const void *from_host;
    uint64_t from;
    void *from_array;
    size_t from_pitch;
    size_t to_x, to_y;
    int to_type;
    void *to_host;
    uint64_t to;
    void *to_array;
    size_t to_pitch;
    size_t width, height;
} Copy;
int cuMemcpy2DAsync_v2(const Copy *c, void *stream)
{
    NEEDS_CONTEXT;
    const size_t most = 0x7fffffff;
    if (c->from_type != 2 || c->to_type != 2 || c->from_pitch < c->width || c->to_pitch < c->width
        || c->from_pitch > most || c->to_pitch > most)
        return INVALID_VALUE;
    for (size_t row = 0; row < c->height; ++row)
        memcpy((char *)c->to + row * c->to_pitch, (char *)c->from + row * c->from_pitch, c->width);
    return OK;
}
int cuStreamCreate(void **stream, unsigned flags)
{
    NEEDS_CONTEXT;
    *stream = malloc(8);
    return OK;
}
int cuStreamSynchronize(void *stream) { NEEDS_CONTEXT; return OK; }
int cuStreamWaitEvent(void *stream, void *event, unsigned flags)
{
    NEEDS_CONTEXT;
    return OK;
}
int cuStreamGetCtx(void *stream, void **context)
{
    NEEDS_CONTEXT;
    *context = stack[depth - 1];
    return OK;
}
int cuEventCreate(void **event, unsigned flags)
{
    NEEDS_CONTEXT;
    *event = malloc(8);
    ++live;
    return OK;
}
int cuEventDestroy_v2(void *event)
{
    NEEDS_CONTEXT;
    free(event);
    --live;
    return OK;
}
int cuEventRecord(void *event, void *stream) { NEEDS_CONTEXT; return OK; }
int cuEventQuery(void *event) { NEEDS_CONTEXT; return OK; }
int cuEventSynchronize(void *event) { NEEDS_CONTEXT; return OK; }
int cuPointerGetAttribute(void *value, int kind, uint64_t address)
{
    *(int *)value = 0;
    return address < 4096 ? INVALID_VALUE : OK;
}
int cuPointerGetAttributes(unsigned count, int *kinds, void **values, uint64_t address)
{
    for (unsigned i = 0; i < count; ++i)
        *(int *)values[i] = kinds[i] == 2 ? 2 : 0;
    return OK;
}
int cuLibraryLoadData(void **library, const void *code, void *options, void *values, unsigned count,
                      void *library_options, void *library_values, unsigned library_count)
{
    NEEDS_CONTEXT;
    *library = dlopen((const char *)code, RTLD_NOW);
    return *library ? OK : INVALID_VALUE;
}
int cuLibraryUnload(void *library) { return OK; }
int cuLibraryGetKernel(void **kernel, void *library, const char *name)
{
    *kernel = dlsym(library, name);
    return OK;
}
int cuOccupancyMaxActiveBlocksPerMultiprocessor(int *count, void *kernel, int threads,
                                                size_t shared)
{
    NEEDS_CONTEXT;
    *count = 2;
    return OK;
}
typedef struct {
    unsigned grid[3], block[3], shared;
    void *stream, *attributes;
    unsigned count;
} Config;
int cuLaunchKernelEx(const Config *config, void *kernel, void **arguments, void **extra)
{
    NEEDS_CONTEXT;
    ((void (*)(int, int, void **))kernel)(config->grid[0], config->block[0], arguments);
    return OK;
}
int cuLaunchKernel(void *kernel, unsigned x, unsigned y, unsigned z, unsigned tx, unsigned ty,
                   unsigned tz, unsigned shared, void *stream, void **arguments, void **extra)
{
    NEEDS_CONTEXT;
    ((void (*)(int, int, void **))kernel)(x, tx, arguments);
    return OK;
}
static int missing(void) { return NOT_SUPPORTED; }
int cuGetProcAddress_v2(const char *name, void **address, int version, uint64_t flags, int *status)
{
    static void *self;
    char second[128];
    if (!self)
        self = dlopen("libcuda.so.1", RTLD_NOW);
    snprintf(second, sizeof second, "%s_v2", name);
    *address = dlsym(self, second);
    if (!*address)
        *address = dlsym(self, name);
    if (!*address)
        *address = missing;
    if (status)
        *status = 0;
    return OK;
}
int cuGetProcAddress(const char *name, void **address, int version, uint64_t flags)
{
    return cuGetProcAddress_v2(name, address, version, flags, 0);
}
