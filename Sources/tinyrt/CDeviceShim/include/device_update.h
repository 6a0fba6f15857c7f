// device_update: replaces a file by another one so that, whenever the process is killed or the power fails, one whole file stands under
// the name, and keeps the one before as NAME.previous.
//
//   begin    resolves links, opens the folder and locks it against other updates (the lock ends with the process)
//   write    the new bytes → .NAME.new, fsync
//   keep     a hard link NAME → .NAME.kept, or a copy where the file system has no links
//   publish  .NAME.new → NAME by rename, fsync of the folder
//   retire   .NAME.kept → NAME.previous by rename, fsync of the folder
//   end      removes .NAME.new, unlocks
//
// What a killed update leaves: .NAME.new, which the next one removes; .NAME.kept, which is NAME's own content (killed before publish: to
// be dropped) or the content before it (killed after: to be retired), or half a copy (to be dropped). Which, the caller finds out.
// Left out: what makes a file's content valid.
#ifndef DEVICE_UPDATE_H
#define DEVICE_UPDATE_H

#include <stddef.h>
#include <stdint.h>

typedef struct device_update {
    // Paths, to be read by the caller.
    char *current;
    char *previous;
    char *kept;
    // Private.
    char *fresh;
    int folder;
} device_update;

// All return 0 or an errno.
int device_update_begin(device_update *update, const char *path);
int device_update_write(device_update *update, const uint8_t *bytes, size_t count);
int device_update_keep(device_update *update);
int device_update_publish(device_update *update);
int device_update_retire(device_update *update);
int device_update_drop_kept(device_update *update);
void device_update_end(device_update *update);

#endif
