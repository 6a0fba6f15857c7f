// device_watch: what happens in a folder, by Linux's inotify, and the signals that ask a process to end, one after the other.
// Left out: subfolders, and what a happening means.
#ifndef DEVICE_WATCH_H
#define DEVICE_WATCH_H

#include <stddef.h>
#include <stdint.h>

typedef enum device_watch_event {
    device_watch_time_over = 0,
    device_watch_name,      // a file was closed after writing, or moved in; `name` is it, until the next call
    device_watch_lost,      // more happened than the kernel keeps: look through the folder
    device_watch_gone,      // the folder was deleted, moved away or unmounted, or another one stands under its path
    device_watch_asked_to_end,
    device_watch_failed,    // `error` says why
} device_watch_event;

typedef struct device_watch device_watch;

// NULL: *error says why. From here on SIGTERM and SIGINT do not end the process but come as an event; so on threads that start later.
device_watch *device_watch_open(int *error);
// Begins to watch, instead of what was watched before. `path` must outlive the watch. An errno.
int device_watch_folder(device_watch *watch, const char *path);
// Waits for the next event. `name` and `error` are set by the events that speak of them.
device_watch_event device_watch_next(device_watch *watch, int milliseconds, const char **name, int *error);
// Whether the process has been asked to end, without waiting.
int device_watch_ends(const device_watch *watch);

#endif
