/*
 * What a desktop lacks of a Raspberry Pi, so that the real Picamera2 runs on libcamera's virtual pipeline. Preloaded
 * into the test's Python:
 *
 * - /dev/dma_heap/...: an ioctl for a buffer is answered with a memfd; those that synchronise or name one succeed.
 * - virtual.yaml: read from where PLATEPOST_VIRTUAL_YAML says, not from /usr/share.
 * - operator new gives zeroed memory: libcamera 0.4 leaves the status of the virtual pipeline's frames uninitialized,
 *   and Picamera2 throws frames away whose status is not success.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEAPS "/dev/dma_heap/"
#define YAML "/pipeline/virtual/virtual.yaml"

void *_Znwm(size_t size) { return calloc(1, size ? size : 1); }
void *_Znam(size_t size) { return calloc(1, size ? size : 1); }

static const char *redirected(const char *path)
{
	const char *there = getenv("PLATEPOST_VIRTUAL_YAML");
	size_t length = path ? strlen(path) : 0;

	if (there && length > sizeof(YAML) && !strcmp(path + length - sizeof(YAML) + 1, YAML))
		return there;
	return path;
}

static int is_heap(const char *path) { return path && !strncmp(path, HEAPS, sizeof(HEAPS) - 1); }

#define OPEN(name)                                                                                                     \
	int name(const char *path, int flags, ...)                                                                     \
	{                                                                                                              \
		int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, #name);                                         \
		va_list rest;                                                                                          \
		va_start(rest, flags);                                                                                 \
		mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;                                \
		va_end(rest);                                                                                          \
		return is_heap(path) ? memfd_create("heap", MFD_CLOEXEC) : real(redirected(path), flags, mode);        \
	}

OPEN(open)
OPEN(open64)

#define STAT(name, type)                                                                                               \
	int name(const char *path, struct type *status)                                                                \
	{                                                                                                              \
		int (*real)(const char *, struct type *) = dlsym(RTLD_NEXT, #name);                                    \
		return real(redirected(path), status);                                                                 \
	}

STAT(stat, stat)
STAT(stat64, stat64)

static int allocate(struct dma_heap_allocation_data *wanted)
{
	int fd = memfd_create("buffer", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, (off_t)wanted->len) < 0)
		return -1;
	wanted->fd = (unsigned int)fd;
	return 0;
}

int ioctl(int fd, unsigned long request, ...)
{
	int (*real)(int, unsigned long, ...) = dlsym(RTLD_NEXT, "ioctl");
	va_list rest;
	va_start(rest, request);
	void *argument = va_arg(rest, void *);
	va_end(rest);

	switch ((unsigned int)request) {
	case (unsigned int)DMA_HEAP_IOCTL_ALLOC:
		return allocate(argument);
	case (unsigned int)DMA_BUF_IOCTL_SYNC:
	case (unsigned int)DMA_BUF_SET_NAME_A:
	case (unsigned int)DMA_BUF_SET_NAME_B:
		return 0;
	default:
		return real(fd, request, argument);
	}
}
