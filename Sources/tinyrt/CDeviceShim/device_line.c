// device_line over POSIX threads.
#define _POSIX_C_SOURCE 200809L
#include "device_line.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>

struct device_line {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t thread;
    void (*maker)(void *);
    void *context;
    int places;
    unsigned filled, used;  // in all
    bool is_started, is_closed, is_stopped;
};

device_line *device_line_create(int places) {
    device_line *line = calloc(1, sizeof *line);
    if (line == NULL) return NULL;
    pthread_mutex_init(&line->lock, NULL);
    pthread_cond_init(&line->changed, NULL);
    line->places = places;
    return line;
}

static void *run(void *argument) {
    device_line *line = argument;
    line->maker(line->context);
    return NULL;
}

int device_line_start(device_line *line, void (*maker)(void *), void *context) {
    line->maker = maker;
    line->context = context;
    pthread_attr_t attributes;
    int error = pthread_attr_init(&attributes);
    if (error != 0) return error;
    // musl's default of 128 KB is little for folders inside folders and a decoder.
    pthread_attr_setstacksize(&attributes, 1 << 20);
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);  // the new thread inherits it
    error = pthread_create(&line->thread, &attributes, run, line);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    line->is_started = error == 0;
    return error;
}

int device_line_free(device_line *line) {
    pthread_mutex_lock(&line->lock);
    while (line->filled - line->used == (unsigned)line->places && !line->is_stopped) pthread_cond_wait(&line->changed, &line->lock);
    const int place = line->is_stopped ? -1 : (int)(line->filled % (unsigned)line->places);
    pthread_mutex_unlock(&line->lock);
    return place;
}

int device_line_next(device_line *line) {
    pthread_mutex_lock(&line->lock);
    while (line->filled == line->used && !line->is_closed) pthread_cond_wait(&line->changed, &line->lock);
    const int place = line->filled == line->used ? -1 : (int)(line->used % (unsigned)line->places);
    pthread_mutex_unlock(&line->lock);
    return place;
}

// Changes are told to the one who waits: the two never wait at the same time.
static void change(device_line *line, int filled, int used, bool closes, bool stops) {
    pthread_mutex_lock(&line->lock);
    line->filled += (unsigned)filled;
    line->used += (unsigned)used;
    line->is_closed |= closes;
    line->is_stopped |= stops;
    pthread_cond_signal(&line->changed);
    pthread_mutex_unlock(&line->lock);
}

void device_line_filled(device_line *line) { change(line, 1, 0, false, false); }
void device_line_used(device_line *line) { change(line, 0, 1, false, false); }
void device_line_close(device_line *line) { change(line, 0, 0, true, false); }
void device_line_stop(device_line *line) { change(line, 0, 0, false, true); }

void device_line_destroy(device_line *line) {
    if (line == NULL) return;
    if (line->is_started) pthread_join(line->thread, NULL);
    pthread_cond_destroy(&line->changed);
    pthread_mutex_destroy(&line->lock);
    free(line);
}
