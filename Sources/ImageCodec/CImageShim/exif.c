// exif.c: the one EXIF field that changes pixels, the orientation, found without trusting a single offset. Everything
// else in EXIF is left out. A malformed block is no error: such photos exist and show well without it.

#include <stdbool.h>
#include <string.h>

#include "shim.h"

typedef struct tiff_block {
    const uint8_t *bytes;
    size_t size;
    bool big_endian;
} tiff_block;

// Reads `count` (2 or 4) bytes at `offset`; false where they are not all inside.
static bool tiff_read(const tiff_block *tiff, uint64_t offset, int count, uint32_t *value) {
    if (offset > tiff->size || (uint64_t)count > tiff->size - offset) return false;
    const uint8_t *bytes = tiff->bytes + offset;
    uint32_t result = 0;
    for (int index = 0; index < count; index++) {
        result = result << 8 | bytes[tiff->big_endian ? index : count - 1 - index];
    }
    *value = result;
    return true;
}

int shim_tiff_orientation(const uint8_t *bytes, size_t size) {
    enum { orientation_tag = 0x0112, type_short = 3, type_long = 4, entry_bytes = 12 };
    tiff_block tiff = {bytes, size, false};
    if (size < 8) return 1;
    if (memcmp(bytes, "MM\0*", 4) == 0) {
        tiff.big_endian = true;
    } else if (memcmp(bytes, "II*\0", 4) != 0) {
        return 1;
    }
    uint32_t directory, entries;
    if (!tiff_read(&tiff, 4, 4, &directory) || !tiff_read(&tiff, directory, 2, &entries)) return 1;
    for (uint32_t index = 0; index < entries; index++) {
        const uint64_t entry = (uint64_t)directory + 2 + (uint64_t)index * entry_bytes;
        uint32_t tag, type, value;
        if (!tiff_read(&tiff, entry, 2, &tag) || !tiff_read(&tiff, entry + 2, 2, &type)) return 1;
        if (tag != orientation_tag) continue;
        // The value stands in the entry's last four bytes, left-justified in the block's byte order. The count is not
        // looked at.
        if (type != type_short && type != type_long) return 1;
        if (!tiff_read(&tiff, entry + 8, type == type_short ? 2 : 4, &value)) return 1;
        return value >= 1 && value <= 8 ? (int)value : 1;
    }
    return 1;
}

// Walks the markers from the start of the file to the first scan. libjpeg could keep APP1 for us, but it would keep all
// of them, in memory that a hostile file chooses the size of.
int image_exif_orientation(const uint8_t *jpeg, size_t size) {
    enum { marker_app1 = 0xE1, marker_sos = 0xDA, marker_eoi = 0xD9 };
    if (jpeg == NULL || size < 4 || jpeg[0] != 0xFF || jpeg[1] != 0xD8) return 1;
    size_t at = 2;
    while (size - at >= 4) {
        if (jpeg[at] != 0xFF) return 1;
        const uint8_t marker = jpeg[at + 1];
        if (marker == 0xFF) {  // a fill byte
            at += 1;
            continue;
        }
        if (marker == marker_sos || marker == marker_eoi) return 1;
        if (marker == 0x01 || (marker >= 0xD0 && marker <= 0xD7)) {  // markers without a length
            at += 2;
            continue;
        }
        const size_t length = (size_t)jpeg[at + 2] << 8 | jpeg[at + 3];  // counts its own two bytes
        if (length < 2 || length > size - at - 2) return 1;
        const uint8_t *payload = jpeg + at + 4;
        if (marker == marker_app1 && length >= 8 && memcmp(payload, "Exif\0", 5) == 0) {
            return shim_tiff_orientation(payload + 6, length - 8);
        }
        at += 2 + length;
    }
    return 1;
}
