// device_footprint_run: runs a command again and again; prints its median and least wall time in milliseconds and its peak resident
// memory in KiB.
//
//     device_footprint_run RUNS COMMAND...      what the command prints is thrown away; exit code 1 where it fails
//
// The kernel's figure for a child also counts the moment before exec, which is this small program: link it statically.
#define _GNU_SOURCE
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

static double milliseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

static int ascending(const void *a, const void *b) { return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b); }

int main(int count, char **arguments) {
    const int runs = count > 2 ? atoi(arguments[1]) : 0;
    if (runs < 1 || runs > 10000) return 64;
    double *times = malloc((size_t)runs * sizeof *times);
    long peak = 0;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    for (int run = 0; run < runs; run++) {
        const double start = milliseconds();
        pid_t child;
        int status;
        struct rusage usage;
        if (posix_spawnp(&child, arguments[2], &actions, NULL, arguments + 2, environ) != 0) return 66;
        if (wait4(child, &status, 0, &usage) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 0) return 1;
        times[run] = milliseconds() - start;
        if (usage.ru_maxrss > peak) peak = usage.ru_maxrss;
    }
    qsort(times, (size_t)runs, sizeof *times, ascending);
    printf("%.2f %.2f %ld\n", times[runs / 2], times[0], peak);
    return 0;
}
