// device_line: a second thread that makes things for the first one, a few ahead of it: the places between the two, and their waiting. What
// lies in a place is the callers' affair.
//
//     maker:   while ((place = device_line_free(line)) >= 0) { … make … ; device_line_filled(line); }  device_line_close(line);
//     taker:   while ((place = device_line_next(line)) >= 0) { … use … ; device_line_used(line); }
//
// Places are filled and used in turn, so the order is kept. One maker, one taker.
#ifndef DEVICE_LINE_H
#define DEVICE_LINE_H

typedef struct device_line device_line;

// NULL: no memory.
device_line *device_line_create(int places);
// Runs maker(context) on a thread of its own, which takes no signals. 0 or an errno.
int device_line_start(device_line *line, void (*maker)(void *context), void *context);

// The maker's: waits for a free place; -1: the taker has stopped.
int device_line_free(device_line *line);
void device_line_filled(device_line *line);
void device_line_close(device_line *line);

// The taker's: waits for a filled place; -1: the line is closed and all of it used.
int device_line_next(device_line *line);
void device_line_used(device_line *line);
// Asks the maker to end; it may be waiting for its input for ever, so nobody waits for it: what it uses must be left to it.
void device_line_stop(device_line *line);
// Waits for the maker to end, and frees the line. Not after device_line_stop.
void device_line_destroy(device_line *line);

#endif
