// device_watch.c over inotify and signalfd.
#define _GNU_SOURCE
#include "device_watch.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "device_shim.h"

struct device_watch {
    const char *path;
    device_identity folder;
    int signals;
    int inotify;  // -1: no folder is watched
    size_t at;    // of the events read so far
    size_t count;
    _Alignas(struct inotify_event) char events[4096];
};

device_watch *device_watch_open(int *error) {
    device_watch *watch = calloc(1, sizeof *watch);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    if (watch != NULL && sigprocmask(SIG_BLOCK, &set, NULL) == 0) {
        watch->inotify = -1;
        watch->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
        if (watch->signals >= 0) return watch;
    }
    *error = errno;
    free(watch);
    return NULL;
}

static void leave(device_watch *watch) {
    if (watch->inotify >= 0) close(watch->inotify);
    watch->inotify = -1;
    watch->at = watch->count = 0;
}

int device_watch_folder(device_watch *watch, const char *path) {
    leave(watch);
    watch->path = path;
    watch->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (watch->inotify < 0) return errno;
    const uint32_t mask = IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
    int error = inotify_add_watch(watch->inotify, path, mask) < 0 ? errno : 0;
    if (error == 0) error = device_identify(path, &watch->folder);
    if (error != 0) leave(watch);
    return error;
}

// A folder that was replaced, or that something was mounted over, tells nothing.
static int is_another(const device_watch *watch) {
    device_identity now;
    return device_identify(watch->path, &now) != 0 || now.device != watch->folder.device || now.inode != watch->folder.inode;
}

static device_watch_event gone(device_watch *watch) {
    leave(watch);
    return device_watch_gone;
}

device_watch_event device_watch_next(device_watch *watch, int milliseconds, const char **name, int *error) {
    struct pollfd ends[2] = {{.fd = watch->signals, .events = POLLIN}, {.fd = watch->inotify, .events = POLLIN}};
    for (;;) {
        // Asked before each event: a busy folder must not keep the process from ending.
        const int is_read = watch->at < watch->count;
        const int ready = poll(ends, is_read ? 1 : 2, is_read ? 0 : milliseconds);
        if (ready < 0 && errno == EINTR) continue;
        if (ready < 0) {
            *error = errno;
            return device_watch_failed;
        }
        if (ends[0].revents != 0) return device_watch_asked_to_end;
        if (!is_read) {
            if (ready == 0) return watch->inotify >= 0 && is_another(watch) ? gone(watch) : device_watch_time_over;
            const ssize_t count = read(watch->inotify, watch->events, sizeof watch->events);
            if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
            if (count <= 0) {
                *error = errno;
                return device_watch_failed;
            }
            watch->at = 0;
            watch->count = (size_t)count;
        }
        const struct inotify_event *event = (const struct inotify_event *)(watch->events + watch->at);
        watch->at += sizeof *event + event->len;
        if (event->mask & IN_Q_OVERFLOW) return device_watch_lost;
        if (event->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED)) return gone(watch);
        if (event->len == 0 || (event->mask & IN_ISDIR)) continue;
        *name = event->name;
        return device_watch_name;
    }
}

int device_watch_ends(const device_watch *watch) {
    struct pollfd end = {.fd = watch->signals, .events = POLLIN};
    return poll(&end, 1, 0) > 0;
}
