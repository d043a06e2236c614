/* Keeps, in order, what a process does to the files of one folder, so that the disk can be re-created as it may have
 * been at any instant: LD_PRELOAD it, with PLATEPOST_DISK_ROOT the folder and PLATEPOST_DISK_LOG the log.
 *
 * An entry: operation (1 byte), length of the path (2), offset (8), length of the data (4), path, data; little endian.
 * Operations: C created, W written, T truncated to offset, S synchronised, U unlinked, R renamed (data: new path),
 * D directory synchronised, M mapped for writing, which cannot be followed.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum { FILES = 4096 };

static char *names[FILES]; /* by descriptor: path below the root; "" is the root itself */
static const char *root;
static int log_descriptor = -1;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("PLATEPOST_DISK_LOG");
    root = getenv("PLATEPOST_DISK_ROOT");
    if (path != NULL && root != NULL)
        log_descriptor = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static const char *below(const char *path) {
    size_t length = root == NULL ? 0 : strlen(root);
    if (log_descriptor < 0 || path == NULL || strncmp(path, root, length) != 0) return NULL;
    if (path[length] == '\0') return path + length;
    return path[length] == '/' ? path + length + 1 : NULL;
}

static const char *name_of(int descriptor) {
    return descriptor >= 0 && descriptor < FILES ? names[descriptor] : NULL;
}

static void note(char operation, const char *name, uint64_t offset, const void *data, uint32_t length) {
    unsigned char head[15];
    uint16_t name_length = (uint16_t)strlen(name);
    head[0] = (unsigned char)operation;
    memcpy(head + 1, &name_length, 2);
    memcpy(head + 3, &offset, 8);
    memcpy(head + 11, &length, 4);
    struct iovec parts[3] = {{head, sizeof head}, {(void *)name, name_length}, {(void *)data, length}};
    if (syscall(SYS_writev, log_descriptor, parts, 3) < 0) abort();
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define LOCKED(work) do { pthread_mutex_lock(&lock); work; pthread_mutex_unlock(&lock); } while (0)

static int opened(int directory, const char *path, int flags, mode_t mode) {
    const char *name = directory == AT_FDCWD ? below(path) : NULL;
    if (name == NULL) return (int)syscall(SYS_openat, directory, path, flags, mode);
    int descriptor;
    struct stat found;
    pthread_mutex_lock(&lock);
    int was_there = stat(path, &found) == 0;
    descriptor = (int)syscall(SYS_openat, directory, path, flags, mode);
    if (descriptor >= 0 && descriptor < FILES) {
        free(names[descriptor]);
        names[descriptor] = strdup(name);
        if (!was_there) note('C', name, 0, NULL, 0);
        else if (flags & O_TRUNC) note('T', name, 0, NULL, 0);
    }
    pthread_mutex_unlock(&lock);
    return descriptor;
}

#define OPEN(function) \
    int function(const char *path, int flags, ...) { \
        va_list more; va_start(more, flags); mode_t mode = va_arg(more, mode_t); va_end(more); \
        return opened(AT_FDCWD, path, flags, mode); \
    }
#define OPENAT(function) \
    int function(int directory, const char *path, int flags, ...) { \
        va_list more; va_start(more, flags); mode_t mode = va_arg(more, mode_t); va_end(more); \
        return opened(directory, path, flags, mode); \
    }
OPEN(open) OPEN(open64) OPENAT(openat) OPENAT(openat64)

int close(int descriptor) {
    if (name_of(descriptor) != NULL) LOCKED(free(names[descriptor]); names[descriptor] = NULL);
    return (int)syscall(SYS_close, descriptor);
}

static ssize_t written_at(int descriptor, const void *data, size_t length, off_t offset) {
    const char *name = name_of(descriptor);
    if (name == NULL) return syscall(SYS_pwrite64, descriptor, data, length, offset);
    ssize_t done;
    LOCKED(done = syscall(SYS_pwrite64, descriptor, data, length, offset);
           if (done > 0) note('W', name, (uint64_t)offset, data, (uint32_t)done));
    return done;
}
ssize_t pwrite(int descriptor, const void *data, size_t length, off_t offset) {
    return written_at(descriptor, data, length, offset);
}
ssize_t pwrite64(int descriptor, const void *data, size_t length, off64_t offset) {
    return written_at(descriptor, data, length, offset);
}

ssize_t write(int descriptor, const void *data, size_t length) {
    const char *name = name_of(descriptor);
    if (name == NULL) return syscall(SYS_write, descriptor, data, length);
    ssize_t done;
    LOCKED(off_t end = lseek(descriptor, 0, (fcntl(descriptor, F_GETFL) & O_APPEND) ? SEEK_END : SEEK_CUR);
           done = syscall(SYS_write, descriptor, data, length);
           if (done > 0) note('W', name, (uint64_t)end, data, (uint32_t)done));
    return done;
}

static int truncated(int descriptor, off_t length) {
    const char *name = name_of(descriptor);
    if (name == NULL) return (int)syscall(SYS_ftruncate, descriptor, length);
    int result;
    LOCKED(result = (int)syscall(SYS_ftruncate, descriptor, length);
           if (result == 0) note('T', name, (uint64_t)length, NULL, 0));
    return result;
}
int ftruncate(int descriptor, off_t length) { return truncated(descriptor, length); }
int ftruncate64(int descriptor, off64_t length) { return truncated(descriptor, length); }

/* What the log says is synchronised need not be: only the log decides what outlives the cut. */
static int synchronised(int descriptor) {
    const char *name = name_of(descriptor);
    if (name == NULL) return (int)syscall(SYS_fsync, descriptor);
    struct stat found;
    int directory = fstat(descriptor, &found) == 0 && S_ISDIR(found.st_mode);
    LOCKED(note(directory ? 'D' : 'S', name, 0, NULL, 0));
    return 0;
}
int fsync(int descriptor) { return synchronised(descriptor); }
int fdatasync(int descriptor) { return synchronised(descriptor); }

int unlink(const char *path) {
    const char *name = below(path);
    int result;
    LOCKED(result = (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
           if (result == 0 && name != NULL) note('U', name, 0, NULL, 0));
    return result;
}

int rename(const char *from, const char *to) {
    const char *name = below(from), *target = below(to);
    int result;
    LOCKED(result = (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
           if (result == 0 && name != NULL && target != NULL) note('R', name, 0, target, (uint32_t)strlen(target)));
    return result;
}

static void *mapped(void *at, size_t length, int protection, int flags, int descriptor, off_t offset) {
    const char *name = name_of(descriptor);
    if (name != NULL && (flags & MAP_SHARED) && (protection & PROT_WRITE)) LOCKED(note('M', name, 0, NULL, 0));
    return (void *)syscall(SYS_mmap, at, length, protection, flags, descriptor, offset);
}
void *mmap(void *at, size_t length, int protection, int flags, int descriptor, off_t offset) {
    return mapped(at, length, protection, flags, descriptor, offset);
}
void *mmap64(void *at, size_t length, int protection, int flags, int descriptor, off64_t offset) {
    return mapped(at, length, protection, flags, descriptor, offset);
}
