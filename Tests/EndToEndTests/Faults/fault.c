// fault.so, loaded with LD_PRELOAD: lets the process go wrong at one of its file operations, counted from its first.
//   FAULT_KILL=N    ends it, as SIGKILL does, in place of operation N; where that is a write, half of it is done before
//   FAULT_FAIL=N    operation N fails with ENOSPC
//   FAULT_NO_LINKS  link() fails with EPERM, as on vfat
// Left out: open for reading, read and close, which change nothing on the disk.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int number(const char *name) {
    const char *text = getenv(name);
    return text != NULL ? atoi(text) : -1;
}

// Says 1 where this operation has to fail.
static int step(int descriptor, const void *bytes, size_t count) {
    static int done;
    done += 1;
    if (done == number("FAULT_KILL")) {
        if (count > 1) syscall(SYS_write, descriptor, bytes, count / 2);
        syscall(SYS_kill, getpid(), SIGKILL);
    }
    if (done != number("FAULT_FAIL")) return 0;
    errno = ENOSPC;
    return 1;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int descriptor, const void *bytes, size_t count) {
    return step(descriptor, bytes, count) ? -1 : REAL(write)(descriptor, bytes, count);
}
int fsync(int descriptor) { return step(0, NULL, 0) ? -1 : REAL(fsync)(descriptor); }
int rename(const char *from, const char *to) { return step(0, NULL, 0) ? -1 : REAL(rename)(from, to); }
int unlink(const char *path) { return step(0, NULL, 0) ? -1 : REAL(unlink)(path); }
int link(const char *from, const char *to) {
    if (getenv("FAULT_NO_LINKS") != NULL) {
        errno = EPERM;
        return -1;
    }
    return step(0, NULL, 0) ? -1 : REAL(link)(from, to);
}
int open(const char *path, int flags, ...) {
    mode_t mode = 0;
    if (flags & O_CREAT) {
        va_list list;
        va_start(list, flags);
        mode = va_arg(list, mode_t);
        va_end(list);
        if (step(0, NULL, 0)) return -1;
    }
    return REAL(open)(path, flags, mode);
}
