// start_time: how long a command takes from being started to the first byte of its text, for tools/build-edge.
//     start_time REPEATS COMMAND [ARGUMENT...]        prints the 10th percentile and the median in microseconds: on a busy
//                                                 machine the median is mostly the wait for a core
// Left out: what the shell and the caller's own output cost.
#define _GNU_SOURCE
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static double microseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return 1e6 * (double)now.tv_sec + 1e-3 * (double)now.tv_nsec;
}

static int by_value(const void *a, const void *b) {
    const double difference = *(const double *)a - *(const double *)b;
    return difference < 0 ? -1 : difference > 0;
}

int main(int count, char **words) {
    const int repeats = count > 2 ? atoi(words[1]) : 0;
    if (repeats < 1) return 64;
    double *times = malloc((size_t)repeats * sizeof *times);
    if (times == NULL) return 1;
    for (int run = 0; run < repeats; run++) {
        int ends[2];
        if (pipe2(ends, O_CLOEXEC) != 0) return 1;
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
        posix_spawn_file_actions_adddup2(&actions, ends[1], 2);
        pid_t child;
        const double start = microseconds();
        if (posix_spawn(&child, words[2], &actions, NULL, words + 2, environ) != 0) return 66;
        char byte;
        close(ends[1]);
        if (read(ends[0], &byte, 1) != 1) return 1;
        times[run] = microseconds() - start;
        close(ends[0]);
        waitpid(child, NULL, 0);
        posix_spawn_file_actions_destroy(&actions);
    }
    qsort(times, (size_t)repeats, sizeof *times, by_value);
    printf("%.0f %.0f\n", times[repeats / 10], times[repeats / 2]);
    free(times);
    return 0;
}
