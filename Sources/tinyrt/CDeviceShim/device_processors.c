// device_processors over Linux: sched_getaffinity, /sys/devices/system/cpu, cgroup v2.
#define _GNU_SOURCE
#include "device_processors.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "device_shim.h"

enum { path_bytes = 4096, text_bytes = 4096 };

// A small file's beginning as a string; empty where there is none.
static void read_text(const char *path, char text[text_bytes]) {
    text[0] = 0;
    const int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return;
    size_t count = 0;
    if (device_read_some(descriptor, (uint8_t *)text, text_bytes - 1, &count) != 0) count = 0;
    text[count] = 0;
    close(descriptor);
}

// -1 where the file does not say.
static long processor_number(int processor, const char *file) {
    char path[128], text[text_bytes];
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/%s", processor, file);
    read_text(path, text);
    return text[0] >= '0' && text[0] <= '9' ? strtol(text, NULL, 10) : -1;
}

// Whether another processor that may be used, with a smaller number, is the same core. The list begins with the smallest number.
static int is_sibling(const cpu_set_t *usable, int processor) {
    const long first = processor_number(processor, "topology/thread_siblings_list");
    return first >= 0 && first < processor && CPU_ISSET((size_t)first, usable);
}

static int cores(int limit) {
    cpu_set_t usable;
    if (sched_getaffinity(0, sizeof usable, &usable) != 0) return 1;
    // Only where cores differ does the kernel say how fast they are.
    long fastest = -1;
    for (int i = 0; i < CPU_SETSIZE; i++) {
        if (!CPU_ISSET((size_t)i, &usable)) continue;
        const long capacity = processor_number(i, "cpu_capacity");
        if (capacity < 0) break;
        if (capacity > fastest) fastest = capacity;
    }
    int count = 0;
    for (int i = 0; i < CPU_SETSIZE && count < limit; i++) {
        if (!CPU_ISSET((size_t)i, &usable) || is_sibling(&usable, i)) continue;
        if (fastest > 0 && 2 * processor_number(i, "cpu_capacity") < fastest) continue;
        count++;
    }
    return count > 0 ? count : 1;
}

// The least whole number of processors whose time this process' control group and those around it may use.
static int quota(int limit) {
    char text[text_bytes], path[path_bytes], file[path_bytes + 32];
    read_text("/proc/self/cgroup", text);
    const char *line = strstr(text, "0::");
    if (line == NULL || (line != text && line[-1] != '\n')) return limit;
    line += 3;
    const size_t length = strcspn(line, "\n");
    if (length >= sizeof path) return limit;
    memcpy(path, line, length);
    path[length] = 0;
    for (;;) {
        snprintf(file, sizeof file, "/sys/fs/cgroup%s/cpu.max", path);
        read_text(file, text);
        char *rest;
        const long time = strtol(text, &rest, 10), period = strtol(rest, NULL, 10);
        if (time > 0 && period > 0 && time / period < limit) limit = (int)(time / period);
        char *slash = strrchr(path, '/');
        if (slash == NULL) break;
        *slash = 0;
    }
    return limit > 1 ? limit : 1;
}

int device_processors(int limit) {
    const int allowed = quota(limit);
    return cores(allowed);
}
