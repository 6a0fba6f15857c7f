// Global pooling of one image: pixels × channels → channels.

static void sum_pixels(const float *restrict x, long pixels, long channels, float factor, float *restrict y) {
    for (long c = 0; c < channels; c++) y[c] = 0;
    for (long p = 0; p < pixels; p++)
        for (long c = 0; c < channels; c++) y[c] += x[p * channels + c];
    for (long c = 0; c < channels; c++) y[c] *= factor;
}

static void max_pixels(const float *restrict x, long pixels, long channels, float *restrict y) {
    for (long c = 0; c < channels; c++) y[c] = x[c];
    for (long p = 1; p < pixels; p++)
        for (long c = 0; c < channels; c++) y[c] = x[p * channels + c] > y[c] ? x[p * channels + c] : y[c];
}

// The first pixel that holds the channel's y; −1: none. Later pixels are looked at first, so that the first one stays.
static void first_pixels(const float *restrict x, const float *restrict y, long pixels, long channels, int *restrict winner) {
    for (long c = 0; c < channels; c++) winner[c] = -1;
    for (long p = pixels - 1; p >= 0; p--)
        for (long c = 0; c < channels; c++) winner[c] = x[p * channels + c] == y[c] ? (int)p : winner[c];
}
