// same_bits: what this processor makes of photos, as SHA-256 a stage, so that runs on different processors can be compared line by line.
// Built and run by tools/same-bits; uses the C interface and the JPEG decoder alone.
//
//     same_bits [--threads N] [--isa NAME]... MODEL.tiny... -- PHOTO.jpg...
//
//     set NAME                              one line an instruction set of this processor, fastest first
//     pixels PHOTO N/8 SIZE HASH            decoded at N/8 of its size, EXIF applied: RGB, rows without gaps
//     input SET MODEL PHOTO HASH            the network's input bytes
//     logits SET MODEL PHOTO HASH           the answer's floats as little-endian bytes
//
// Without --isa every set that the processor has is run. Exit codes: 0; 1 and a line on standard error where something fails or where two
// ways that must agree do not: tinyrt_preprocess_jpeg and decoding followed by tinyrt_preprocess.
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image_shim.h"
#include "tinyrt.h"
#include "tinyrt_jpeg.h"

enum { most_models = 16, most_sets = 16 };

static _Noreturn void fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("same_bits: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    exit(1);
}

// ---------------------------------------------------------------- SHA-256 (FIPS 180-4)

static uint32_t turned(uint32_t x, int n) { return x >> n | x << (32 - n); }

static void sha256_block(uint32_t h[8], const uint8_t *block) {
    static const uint32_t k[64] = {
        0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be,
        0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa,
        0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85,
        0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
        0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f,
        0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
    };
    uint32_t w[64], s[8];
    for (int t = 0; t < 16; t++) {
        w[t] = (uint32_t)block[4 * t] << 24 | (uint32_t)block[4 * t + 1] << 16 | (uint32_t)block[4 * t + 2] << 8 | block[4 * t + 3];
    }
    for (int t = 16; t < 64; t++) {
        const uint32_t s0 = turned(w[t - 15], 7) ^ turned(w[t - 15], 18) ^ w[t - 15] >> 3;
        const uint32_t s1 = turned(w[t - 2], 17) ^ turned(w[t - 2], 19) ^ w[t - 2] >> 10;
        w[t] = w[t - 16] + s0 + w[t - 7] + s1;
    }
    memcpy(s, h, sizeof s);
    for (int t = 0; t < 64; t++) {
        const uint32_t e = turned(s[4], 6) ^ turned(s[4], 11) ^ turned(s[4], 25), a = turned(s[0], 2) ^ turned(s[0], 13) ^ turned(s[0], 22);
        const uint32_t t1 = s[7] + e + ((s[4] & s[5]) ^ (~s[4] & s[6])) + k[t] + w[t];
        const uint32_t t2 = a + ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
        memmove(s + 1, s, 7 * sizeof *s);
        s[4] += t1;
        s[0] = t1 + t2;
    }
    for (int i = 0; i < 8; i++) h[i] += s[i];
}

// 64 hexadecimal digits and a zero into `text`.
static void sha256(const void *bytes, size_t count, char text[65]) {
    uint32_t h[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    const uint8_t *data = bytes;
    size_t left = count;
    for (; left >= 64; left -= 64, data += 64) sha256_block(h, data);
    uint8_t tail[128] = {0};
    memcpy(tail, data, left);
    tail[left] = 0x80;
    const size_t length = left < 56 ? 64 : 128;
    for (int i = 0; i < 8; i++) tail[length - 1 - (size_t)i] = (uint8_t)((uint64_t)count * 8 >> 8 * i);
    for (size_t at = 0; at < length; at += 64) sha256_block(h, tail + at);
    for (int i = 0; i < 8; i++) sprintf(text + 8 * i, "%08x", (unsigned)h[i]);
}

// ---------------------------------------------------------------- files

typedef struct file_bytes {
    const char *name;  // without folders
    uint8_t *bytes;
    size_t count;
} file_bytes;

static file_bytes read_file(const char *path) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) fail("%s: cannot be opened", path);
    file_bytes result = {strrchr(path, '/') != NULL ? strrchr(path, '/') + 1 : path, NULL, 0};
    for (size_t room = 0, got = 1; got > 0; result.count += got) {
        if (result.count == room) {
            room = room == 0 ? 1 << 16 : 2 * room;
            result.bytes = realloc(result.bytes, room);
            if (result.bytes == NULL) fail("%s: no memory", path);
        }
        got = fread(result.bytes + result.count, 1, room - result.count, file);
    }
    if (ferror(file)) fail("%s: cannot be read", path);
    fclose(file);
    return result;
}

// ---------------------------------------------------------------- stages

static image_rgb decode(const file_bytes *photo, uint32_t min_width, uint32_t min_height) {
    const image_options options = {.min_width = min_width, .min_height = min_height};
    image_rgb image;
    char message[image_message_bytes];
    if (image_decode_jpeg(photo->bytes, photo->count, &options, &image, message, sizeof message) != image_ok) {
        fail("%s: %s", photo->name, message);
    }
    return image;
}

static void print_pixels(const file_bytes *photo) {
    const image_rgb whole = decode(photo, 0, 0);
    for (uint32_t n = 1; n <= 8; n++) {
        // The least size for which n/8 is enough. On small photos two n give one size: then the smaller n is taken for both.
        image_rgb image = decode(photo, (whole.width * n + 7) / 8, (whole.height * n + 7) / 8);
        char hash[65];
        sha256(image.pixels, (size_t)image.width * image.height * 3, hash);
        printf("pixels %s %u/8 %ux%u %s\n", photo->name, (unsigned)n, (unsigned)image.width, (unsigned)image.height, hash);
        image_free(&image);
    }
    image_rgb done = whole;
    image_free(&done);
}

typedef struct network {
    const char *name;
    tinyrt_model *model;
    tinyrt_info info;
    tinyrt_session *sessions[most_sets];
    float *logits;
} network;

static void run(network *net, const file_bytes *photo, size_t set, const char *set_name) {
    tinyrt_error error;
    tinyrt_session *session = net->sessions[set];
    const size_t count = (size_t)net->info.input_width * net->info.input_height * 3;
    char hash[65], other[65];

    const bool scaled = net->info.decode_scaling;
    image_rgb image = decode(photo, scaled ? 2 * net->info.resize_width : 0, scaled ? 2 * net->info.resize_height : 0);
    const tinyrt_image view = {
        .format = TINYRT_RGB, .width = image.width, .height = image.height, .planes = {image.pixels}, .row_bytes = {3 * (size_t)image.width}};
    if (tinyrt_preprocess(session, &view, &error) != TINYRT_OK) fail("%s, %s: %s", net->name, photo->name, error.reason);
    image_free(&image);
    sha256(tinyrt_input(session), count, other);

    if (tinyrt_preprocess_jpeg(session, photo->bytes, photo->count, &error) != TINYRT_OK) {
        fail("%s, %s: %s", net->name, photo->name, error.reason);
    }
    sha256(tinyrt_input(session), count, hash);
    if (strcmp(hash, other) != 0) fail("%s, %s: tinyrt_preprocess_jpeg and tinyrt_preprocess differ", net->name, photo->name);
    printf("input %s %s %s %s\n", set_name, net->name, photo->name, hash);

    if (tinyrt_run(session) != TINYRT_OK || tinyrt_logits(session, net->logits, net->info.class_count) != TINYRT_OK) {
        fail("%s, %s: the run failed", net->name, photo->name);
    }
    sha256(net->logits, net->info.class_count * sizeof(float), hash);  // every processor here is little-endian
    printf("logits %s %s %s %s\n", set_name, net->name, photo->name, hash);
}

int main(int count, char **arguments) {
    tinyrt_options options = {.threads = 1};
    const char *sets[most_sets];
    size_t set_count = 0, model_count = 0;
    int at = 1;
    for (; at + 1 < count && strncmp(arguments[at], "--", 2) == 0 && arguments[at][2] != 0; at += 2) {
        if (strcmp(arguments[at], "--threads") == 0) {
            options.threads = (uint32_t)strtoul(arguments[at + 1], NULL, 10);
        } else if (strcmp(arguments[at], "--isa") == 0 && set_count < most_sets) {
            sets[set_count++] = arguments[at + 1];
        } else {
            fail("unknown argument %s", arguments[at]);
        }
    }
    for (size_t index = 0; tinyrt_instruction_set(index) != NULL; index++) printf("set %s\n", tinyrt_instruction_set(index));
    if (set_count == 0) {
        while (set_count < most_sets && tinyrt_instruction_set(set_count) != NULL) {
            sets[set_count] = tinyrt_instruction_set(set_count);
            set_count++;
        }
    }

    static network networks[most_models];
    for (; at < count && strcmp(arguments[at], "--") != 0; at++) {
        if (model_count == most_models) fail("more than %d models", (int)most_models);
        network *net = &networks[model_count++];
        const file_bytes file = read_file(arguments[at]);
        tinyrt_error error;
        if (tinyrt_open_copy(file.bytes, file.count, &net->model, &error) != TINYRT_OK) fail("%s: %s", file.name, error.reason);
        tinyrt_get_info(net->model, &net->info);
        net->name = file.name;
        net->logits = malloc(net->info.class_count * sizeof(float));
        if (net->logits == NULL) fail("no memory");
        for (size_t set = 0; set < set_count; set++) {
            options.instruction_set = sets[set];
            if (tinyrt_session_open(net->model, &options, NULL, 0, &net->sessions[set], &error) != TINYRT_OK) {
                fail("%s, %s: %s", file.name, sets[set], error.reason);
            }
            if (tinyrt_self_test(net->sessions[set], &error) != TINYRT_OK) fail("%s, %s: %s", file.name, sets[set], error.reason);
        }
    }
    for (at++; at < count; at++) {
        const file_bytes photo = read_file(arguments[at]);
        print_pixels(&photo);
        for (size_t set = 0; set < set_count; set++) {
            for (size_t index = 0; index < model_count; index++) run(&networks[index], &photo, set, sets[set]);
        }
        free(photo.bytes);
    }
    return fflush(stdout) == 0 ? 0 : 1;
}
