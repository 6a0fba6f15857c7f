// device_update.c over POSIX, with flock for the lock: no lock file can be left behind.
#define _GNU_SOURCE
#include "device_update.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "device_shim.h"

// FOLDER/PREFIX NAME SUFFIX
static char *join(const char *folder, size_t folder_length, const char *prefix, const char *name, const char *suffix) {
    const size_t size = folder_length + strlen(prefix) + strlen(name) + strlen(suffix) + 1;
    char *path = malloc(size);
    if (path == NULL) return NULL;
    memcpy(path, folder, folder_length);
    strcpy(path + folder_length, prefix);
    strcat(path, name);
    strcat(path, suffix);
    return path;
}

static int remove_file(const char *path) { return unlink(path) == 0 || errno == ENOENT ? 0 : errno; }

int device_update_begin(device_update *update, const char *path) {
    *update = (device_update){.folder = -1};
    // Beyond a file size limit, an error and not a signal.
    signal(SIGXFSZ, SIG_IGN);
    // A link stays a link: what it names is replaced.
    char *real = realpath(path, NULL);
    if (real == NULL && errno == ENOENT) real = strdup(path);
    if (real == NULL) return errno;
    const char *slash = strrchr(real, '/');
    const char *name = slash != NULL ? slash + 1 : real;
    const size_t folder_length = (size_t)(name - real);
    int error = 0;
    if (*name == 0 || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) error = EISDIR;
    if (error == 0) {
        update->current = strdup(real);
        update->previous = join(real, folder_length, "", name, ".previous");
        update->kept = join(real, folder_length, ".", name, ".kept");
        update->fresh = join(real, folder_length, ".", name, ".new");
        char *folder = join(real, folder_length, folder_length == 0 ? "." : "", "", "");
        if (update->current == NULL || update->previous == NULL || update->kept == NULL || update->fresh == NULL || folder == NULL) {
            error = ENOMEM;
        } else {
            update->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
            if (update->folder < 0) error = errno;
        }
        free(folder);
    }
    free(real);
    while (error == 0 && flock(update->folder, LOCK_EX) != 0) {
        if (errno != EINTR) error = errno;
    }
    if (error == 0) error = remove_file(update->fresh);
    if (error != 0) device_update_end(update);
    return error;
}

// To the disk, not only to the kernel. Some file systems cannot sync a folder.
static int sync_folder(const device_update *update) {
    return fsync(update->folder) == 0 || errno == EINVAL || errno == ENOTSUP ? 0 : errno;
}

// A new file with these bytes, on the disk, and with the current file's owner and rights where there is one.
static int write_file(const device_update *update, const char *path, const uint8_t *bytes, size_t count) {
    const int descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (descriptor < 0) return errno;
    struct stat status;
    if (stat(update->current, &status) == 0) {
        // Where they cannot be given, the defaults have to do.
        if (fchown(descriptor, status.st_uid, status.st_gid) != 0) errno = 0;
        if (fchmod(descriptor, status.st_mode & 0777) != 0) errno = 0;
    }
    int error = device_write(descriptor, bytes, count);
    if (error == 0 && fsync(descriptor) != 0) error = errno;
    if (close(descriptor) != 0 && error == 0) error = errno;
    if (error != 0) unlink(path);
    return error;
}

int device_update_write(device_update *update, const uint8_t *bytes, size_t count) {
    return write_file(update, update->fresh, bytes, count);
}

int device_update_keep(device_update *update) {
    int error = remove_file(update->kept);
    if (error != 0) return error;
    if (link(update->current, update->kept) == 0) return sync_folder(update);
    if (errno != EPERM && errno != ENOTSUP && errno != ENOSYS && errno != EMLINK) return errno;
    device_file file;
    error = device_read(update->current, SIZE_MAX, &file);
    if (error == 0) error = write_file(update, update->kept, file.bytes, file.count);
    device_close(&file);
    return error == 0 ? sync_folder(update) : error;
}

int device_update_publish(device_update *update) {
    return rename(update->fresh, update->current) == 0 ? sync_folder(update) : errno;
}

int device_update_retire(device_update *update) {
    if (rename(update->kept, update->previous) != 0) return errno;
    // Renaming one link of a file over another link of it leaves both.
    const int error = remove_file(update->kept);
    return error == 0 ? sync_folder(update) : error;
}

int device_update_drop_kept(device_update *update) { return remove_file(update->kept); }

void device_update_end(device_update *update) {
    if (update->folder >= 0) {
        unlink(update->fresh);
        close(update->folder);
    }
    free(update->current);
    free(update->previous);
    free(update->kept);
    free(update->fresh);
    *update = (device_update){.folder = -1};
}
