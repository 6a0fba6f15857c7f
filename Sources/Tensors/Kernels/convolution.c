// Dense and grouped convolution by oneDNN. Each thread runs a single-threaded primitive on its share: of the images, or of the pixels where the kernel
// is 1 × 1 (with any count of images). So nothing waits inside oneDNN, and a thread's sums have a fixed order. Weights go to the layout that
// oneDNN likes on every call; gradients of weights are summed over the threads in that layout.

#include <dnnl.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"

typedef enum { FORWARD, BACKWARD_DATA, BACKWARD_WEIGHTS } direction;

typedef struct {
    tensor_conv_shape shape;
    long direction, has_bias;
} cache_key;

// One primitive for one shape; `primitive` is null where oneDNN has none.
typedef struct cache_entry {
    struct cache_entry *next;
    cache_key key;
    unsigned long last_use;
    dnnl_primitive_t primitive, reorder;  // reorder: weights to (forward, data) or from (weights) oneDNN's layout; null: it is ours
    dnnl_memory_desc_t x, y, weight, plain_weight, bias, scratchpad;
} cache_entry;

enum { BUCKETS = 256, MOST_ENTRIES = 1024 };

struct tensor_primitive_cache {
    dnnl_engine_t engine;
    cache_entry *buckets[BUCKETS];
    long entries;
    unsigned long clock;
};

tensor_primitive_cache *primitive_cache_create(void) {
    tensor_primitive_cache *cache = calloc(1, sizeof *cache);
    if (!cache || dnnl_engine_create(&cache->engine, dnnl_cpu, 0)) abort();
    return cache;
}

static void entry_free(cache_entry *entry) {
    if (entry->primitive) dnnl_primitive_destroy(entry->primitive);
    if (entry->reorder) dnnl_primitive_destroy(entry->reorder);
    free(entry);
}

void primitive_cache_destroy(tensor_primitive_cache *cache) {
    for (int bucket = 0; bucket < BUCKETS; bucket++)
        for (cache_entry *entry = cache->buckets[bucket], *next; entry; entry = next) next = entry->next, entry_free(entry);
    dnnl_engine_destroy(cache->engine);
    free(cache);
}

static void forget_oldest(tensor_primitive_cache *cache) {
    cache_entry **oldest = NULL;
    for (int bucket = 0; bucket < BUCKETS; bucket++)
        for (cache_entry **link = &cache->buckets[bucket]; *link; link = &(*link)->next)
            if (!oldest || (*link)->last_use < (*oldest)->last_use) oldest = link;
    cache_entry *entry = *oldest;
    *oldest = entry->next;
    entry_free(entry);
    cache->entries--;
}

// ---- making a primitive

static dnnl_primitive_t make_reorder(tensor_primitive_cache *cache, const dnnl_memory_desc_t *from, const dnnl_memory_desc_t *to) {
    dnnl_primitive_desc_t description;
    dnnl_primitive_t reorder = NULL;
    if (dnnl_reorder_primitive_desc_create(&description, from, cache->engine, to, cache->engine, NULL)) return NULL;
    if (dnnl_primitive_create(&reorder, description)) reorder = NULL;
    dnnl_primitive_desc_destroy(description);
    return reorder;
}

static bool make_description(
    tensor_primitive_cache *cache, const cache_key *key, cache_entry *entry, const_dnnl_primitive_attr_t attributes, dnnl_primitive_desc_t *description) {
    const tensor_conv_shape *s = &key->shape;
    dnnl_dims_t x_dims = {s->batch, s->input_channels, s->height, s->width}, y_dims = {s->batch, s->output_channels, s->output_height, s->output_width};
    dnnl_dims_t dense = {s->output_channels, s->input_channels, s->kernel_height, s->kernel_width}, b_dims = {s->output_channels};
    dnnl_dims_t grouped = {s->groups, s->output_channels / s->groups, s->input_channels / s->groups, s->kernel_height, s->kernel_width};
    const int axes = s->groups > 1 ? 5 : 4;
    const int64_t *w_dims = s->groups > 1 ? grouped : dense;
    dnnl_dims_t strides = {s->stride_height, s->stride_width}, before = {s->pad_top, s->pad_left}, after = {s->pad_bottom, s->pad_right};
    dnnl_memory_desc_t any;
    if (dnnl_memory_desc_init_by_tag(&entry->x, 4, x_dims, dnnl_f32, dnnl_nhwc) || dnnl_memory_desc_init_by_tag(&entry->y, 4, y_dims, dnnl_f32, dnnl_nhwc)
        || dnnl_memory_desc_init_by_tag(&entry->plain_weight, axes, w_dims, dnnl_f32, s->groups > 1 ? dnnl_gohwi : dnnl_ohwi)
        || dnnl_memory_desc_init_by_tag(&any, axes, w_dims, dnnl_f32, dnnl_format_tag_any)
        || dnnl_memory_desc_init_by_tag(&entry->bias, 1, b_dims, dnnl_f32, dnnl_x))
        return false;
    dnnl_convolution_desc_t forward, backward;
    dnnl_prop_kind_t kind = key->direction == FORWARD && key->has_bias ? dnnl_forward_inference : dnnl_forward_training;
    if (dnnl_convolution_forward_desc_init(
            &forward, kind, dnnl_convolution_direct, &entry->x, &any, key->has_bias ? &entry->bias : NULL, &entry->y, strides, before, after))
        return false;
    if (key->direction == FORWARD) return !dnnl_primitive_desc_create(description, &forward, attributes, cache->engine, NULL);
    dnnl_primitive_desc_t hint;
    if (dnnl_primitive_desc_create(&hint, &forward, NULL, cache->engine, NULL)) return false;
    dnnl_status_t status;
    if (key->direction == BACKWARD_DATA)
        status = dnnl_convolution_backward_data_desc_init(&backward, dnnl_convolution_direct, &entry->x, &any, &entry->y, strides, before, after);
    else
        status = dnnl_convolution_backward_weights_desc_init(&backward, dnnl_convolution_direct, &entry->x, &any, NULL, &entry->y, strides, before, after);
    if (!status) status = dnnl_primitive_desc_create(description, &backward, attributes, cache->engine, hint);
    dnnl_primitive_desc_destroy(hint);
    return !status;
}

static void make_primitive(tensor_primitive_cache *cache, cache_entry *entry) {
    dnnl_primitive_attr_t attributes;
    dnnl_primitive_desc_t description;
    if (dnnl_primitive_attr_create(&attributes)) return;
    dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user);
    if (make_description(cache, &entry->key, entry, attributes, &description)) {
        bool gradient = entry->key.direction == BACKWARD_WEIGHTS;
        entry->weight = *dnnl_primitive_desc_query_md(description, gradient ? dnnl_query_diff_weights_md : dnnl_query_weights_md, 0);
        entry->scratchpad = *dnnl_primitive_desc_query_md(description, dnnl_query_scratchpad_md, 0);
        bool same = dnnl_memory_desc_equal(&entry->weight, &entry->plain_weight);
        if (!same)
            entry->reorder = gradient ? make_reorder(cache, &entry->weight, &entry->plain_weight) : make_reorder(cache, &entry->plain_weight, &entry->weight);
        if ((same || entry->reorder) && dnnl_primitive_create(&entry->primitive, description)) entry->primitive = NULL;
        dnnl_primitive_desc_destroy(description);
    }
    dnnl_primitive_attr_destroy(attributes);
}

static cache_entry *primitive_for(tensor_primitive_cache *cache, const tensor_conv_shape *shape, direction direction, bool has_bias) {
    cache_key key = {*shape, direction, has_bias};  // longs only: no padding to compare
    uint64_t hash = 0;
    for (unsigned i = 0; i < sizeof key / sizeof(long); i++) hash = (hash ^ (uint64_t)((const long *)&key)[i]) * 0x9E3779B97F4A7C15u, hash ^= hash >> 29;
    cache_entry **bucket = &cache->buckets[hash % BUCKETS];
    cache_entry *entry = *bucket;
    while (entry && memcmp(&entry->key, &key, sizeof key)) entry = entry->next;
    if (!entry) {
        entry = calloc(1, sizeof *entry);
        if (!entry) abort();
        entry->key = key;
        make_primitive(cache, entry);
        entry->last_use = ++cache->clock;
        entry->next = *bucket;
        *bucket = entry;
        // The caller may hold a few entries more: they are the latest, so the oldest is none of them.
        if (++cache->entries > MOST_ENTRIES) forget_oldest(cache);
    }
    entry->last_use = ++cache->clock;
    return entry->primitive ? entry : NULL;
}

// ---- running one

typedef struct { int argument; const dnnl_memory_desc_t *description; void *data; } argument;

static void execute(tensor_engine *engine, dnnl_primitive_t primitive, int count, const argument *arguments) {
    enum { MOST = 6 };
    dnnl_exec_arg_t list[MOST];
    dnnl_stream_t stream;
    dnnl_engine_t dnnl = engine->primitives->engine;
    if (dnnl_stream_create(&stream, dnnl, dnnl_stream_default_flags)) abort();
    for (int i = 0; i < count; i++) {
        list[i].arg = arguments[i].argument;
        if (dnnl_memory_create(&list[i].memory, arguments[i].description, dnnl, arguments[i].data)) abort();
    }
    if (dnnl_primitive_execute(primitive, stream, count, list) || dnnl_stream_wait(stream)) abort();
    for (int i = 0; i < count; i++) dnnl_memory_destroy(list[i].memory);
    dnnl_stream_destroy(stream);
}

enum { SLOT_WEIGHT, SLOT_SCRATCHPAD, SLOT_GRADIENT, SLOT_PART };

static void reorder(tensor_engine *engine, const cache_entry *entry, const dnnl_memory_desc_t *from, const void *source, const dnnl_memory_desc_t *to, void *target) {
    argument arguments[] = {{DNNL_ARG_FROM, from, (void *)source}, {DNNL_ARG_TO, to, target}};
    execute(engine, entry->reorder, 2, arguments);
}

static const float *laid_out(tensor_engine *engine, const cache_entry *entry, const float *weight) {
    if (!entry->reorder) return weight;
    float *target = engine_scratch(engine, 0, SLOT_WEIGHT, (long)dnnl_memory_desc_get_size(&entry->weight));
    reorder(engine, entry, &entry->plain_weight, weight, &entry->weight, target);
    return target;
}

// How a convolution falls into pieces: each thread has a share of the units (pixels or images), and works through it in pieces that stay
// in its cache, so that what several passes read comes from memory once.
typedef struct {
    tensor_engine *engine;
    tensor_conv_shape shape;   // of the whole; where `pixels`, one row of pixels
    bool pixels;               // a unit is a pixel, not an image
    long total, alignment;     // units; shares and pieces start at multiples of `alignment`
    long piece;                // units a piece, but for the last of a share
    const float *x, *weight, *bias, *dy;
    const engine_pending *pending;  // instead of dy
    float *y, *dx;
    long layout_bytes;         // of the weights' gradient
    int sizes;                 // different lengths of a piece
    long units[4];
    cache_entry *forward[4], *data[4], *weights[4];  // by length
} convolution_task;

static bool is_pointwise(const tensor_conv_shape *s) {
    return s->groups == 1 && s->kernel_height == 1 && s->kernel_width == 1 && s->stride_height == 1 && s->stride_width == 1 && !s->pad_top && !s->pad_bottom && !s->pad_left
        && !s->pad_right;
}

// Values of a unit of input or output.
static long plane(const convolution_task *t, bool output) {
    const tensor_conv_shape *s = &t->shape;
    if (t->pixels) return output ? s->output_channels : s->input_channels;
    return output ? s->output_height * s->output_width * s->output_channels : s->height * s->width * s->input_channels;
}

static void my_share(const convolution_task *t, int thread, int threads, long *first, long *end) {
    engine_share(t->total, t->alignment, thread, threads, first, end);
}

static void note_size(convolution_task *t, long units) {
    for (int i = 0; i < t->sizes; i++)
        if (t->units[i] == units) return;
    if (units > 0) t->units[t->sizes++] = units;
}

static int size_index(const convolution_task *t, long units) {
    int i = 0;
    while (t->units[i] != units) i++;
    return i;
}

// `piece_bytes`: what a piece of input and output may take; 0: a piece is a whole share.
static convolution_task begin(tensor_engine *engine, const tensor_conv_shape *shape, long alignment, long piece_bytes) {
    convolution_task t = {.engine = engine, .shape = *shape, .pixels = is_pointwise(shape), .alignment = alignment, .total = shape->batch};
    if (t.pixels) {
        t.total = shape->batch * shape->height * shape->width;
        t.shape.width = t.shape.output_width = t.total;
        t.shape.batch = t.shape.height = t.shape.output_height = 1;
    }
    long longest = 0, first, end;
    for (int thread = 0; thread < engine->threads; thread++) {
        my_share(&t, thread, engine->threads, &first, &end);
        if (end - first > longest) longest = end - first;
    }
    long bytes = longest * (plane(&t, false) + plane(&t, true)) * 4, pieces = piece_bytes ? (bytes + piece_bytes - 1) / piece_bytes : 1;
    if (pieces < 1) pieces = 1;
    t.piece = (longest + pieces - 1) / pieces;
    t.piece = (t.piece + alignment - 1) / alignment * alignment;
    // Shares have at most three lengths (two, and a last one cut short by the alignment): pieces at most four.
    note_size(&t, longest < t.piece ? longest : t.piece);
    for (int thread = 0; thread < engine->threads; thread++) {
        my_share(&t, thread, engine->threads, &first, &end);
        if (end - first >= t.piece) note_size(&t, t.piece);
        note_size(&t, (end - first) % t.piece);
    }
    return t;
}

// Primitives for every length; false: oneDNN lacks one.
static bool find(convolution_task *t, direction direction, cache_entry *found[4]) {
    for (int i = 0; i < t->sizes; i++) {
        tensor_conv_shape part = t->shape;
        if (t->pixels) part.width = part.output_width = t->units[i];
        else part.batch = t->units[i];
        found[i] = primitive_for(t->engine->primitives, &part, direction, direction == FORWARD && t->bias);
        // One layout of the weights must serve all pieces.
        if (!found[i] || !dnnl_memory_desc_equal(&found[0]->weight, &found[i]->weight)) return false;
    }
    return t->sizes > 0;
}

static void *scratchpad(const convolution_task *t, int thread, const cache_entry *e) {
    return engine_scratch(t->engine, thread, SLOT_SCRATCHPAD, (long)dnnl_memory_desc_get_size(&e->scratchpad));
}

static void forward_task(void *context, int thread, int threads) {
    const convolution_task *t = context;
    long first, end;
    my_share(t, thread, threads, &first, &end);
    for (long count; first < end; first += count) {
        count = end - first < t->piece ? end - first : t->piece;
        const cache_entry *e = t->forward[size_index(t, count)];
        argument arguments[] = {
            {DNNL_ARG_SRC, &e->x, (void *)(t->x + first * plane(t, false))}, {DNNL_ARG_WEIGHTS, &e->weight, (void *)t->weight},
            {DNNL_ARG_DST, &e->y, t->y + first * plane(t, true)},            {DNNL_ARG_SCRATCHPAD, &e->scratchpad, scratchpad(t, thread, e)},
            {DNNL_ARG_BIAS, &e->bias, (void *)t->bias},
        };
        execute(t->engine, e->primitive, t->bias ? 5 : 4, arguments);
    }
}

bool tensor_convolution(tensor_engine *engine, const tensor_conv_shape *shape, const float *x, const float *weight, const float *bias, float *y) {
    engine_entry entry = engine_enter(engine);
    convolution_task t = begin(engine, shape, 1, 0);
    t.x = x, t.bias = bias, t.y = y;
    bool works = find(&t, FORWARD, t.forward);
    if (works) {
        t.weight = laid_out(engine, t.forward[0], weight);
        engine_run(engine, forward_task, &t);
    }
    engine_leave(engine, entry);
    return works;
}

static float *gradient_sum(const convolution_task *t, int thread) { return engine_scratch(t->engine, thread, SLOT_GRADIENT, t->layout_bytes); }

static void backward_piece(const convolution_task *t, int thread, long first, long count, bool is_first) {
    int size = size_index(t, count);
    void *x = (void *)(t->x + first * plane(t, false)), *dy;
    if (!t->pending) dy = (void *)(t->dy + first * plane(t, true));
    else {
        long rows = t->pixels ? 1 : t->shape.output_height * t->shape.output_width;
        dy = engine_scratch(t->engine, thread, SLOT_PIECE, t->piece * plane(t, true) * 4);
        engine_pending_piece(t->pending, first * rows, count * rows, dy);
    }
    if (t->dx) {
        const cache_entry *e = t->data[size];
        argument arguments[] = {
            {DNNL_ARG_DIFF_DST, &e->y, dy},
            {DNNL_ARG_WEIGHTS, &e->weight, (void *)t->weight},
            {DNNL_ARG_DIFF_SRC, &e->x, t->dx + first * plane(t, false)},
            {DNNL_ARG_SCRATCHPAD, &e->scratchpad, scratchpad(t, thread, e)},
        };
        execute(t->engine, e->primitive, 4, arguments);
    }
    const cache_entry *e = t->weights[size];
    float *sum = gradient_sum(t, thread), *part = is_first ? sum : engine_scratch(t->engine, thread, SLOT_PART, t->layout_bytes);
    argument arguments[] = {
        {DNNL_ARG_SRC, &e->x, x},
        {DNNL_ARG_DIFF_DST, &e->y, dy},
        {DNNL_ARG_DIFF_WEIGHTS, &e->weight, part},
        {DNNL_ARG_SCRATCHPAD, &e->scratchpad, scratchpad(t, thread, e)},
    };
    execute(t->engine, e->primitive, 4, arguments);
    if (!is_first) t->engine->vector->add(sum, part, t->layout_bytes / 4, sum);
}

static void backward_task(void *context, int thread, int threads) {
    const convolution_task *t = context;
    long first, end;
    my_share(t, thread, threads, &first, &end);
    if (first == end) memset(gradient_sum(t, thread), 0, (size_t)t->layout_bytes);
    for (long start = first, count; start < end; start += count) {
        count = end - start < t->piece ? end - start : t->piece;
        backward_piece(t, thread, start, count, start == first);
    }
}

// Adds the threads' gradients into thread 0's, each thread a part of it.
static void sum_task(void *context, int thread, int threads) {
    const convolution_task *t = context;
    long first, end;
    engine_share(t->layout_bytes / 4, 16, thread, threads, &first, &end);
    float *total = gradient_sum(t, 0) + first;
    for (int other = 1; other < threads; other++) t->engine->vector->add(total, gradient_sum(t, other) + first, end - first, total);
}

// Half of a core's second-level cache, or what makes adding up the pieces' gradients of large weights cheap beside computing them.
static long piece_limit(const tensor_conv_shape *s) {
    long weights = s->output_channels * s->input_channels * s->kernel_height * s->kernel_width * 4, cache = 384 << 10;
    return 4 * weights > cache ? 4 * weights : cache;
}

bool tensor_convolution_backward(
    tensor_engine *engine, const tensor_conv_shape *shape, const float *x, const float *weight, const float *dy,
    const tensor_pending_gradient *gradient, float *dx, float *dw, float *db) {
    engine_entry entry = engine_enter(engine);
    long pixels = shape->output_height * shape->output_width, rows = shape->batch * pixels;
    engine_pending pending;
    if (!dy) pending = engine_pending_begin(engine, gradient);
    bool in_pieces = !dy && !db && (is_pointwise(shape) ? rows : pixels) % pending.repeat == 0;
    convolution_task t = begin(engine, shape, is_pointwise(shape) ? 16 : 1, piece_limit(shape));
    t.x = x, t.dx = dx;
    bool works = (!dx || find(&t, BACKWARD_DATA, t.data)) && find(&t, BACKWARD_WEIGHTS, t.weights);
    if (works) {
        if (in_pieces) t.pending = &pending;
        else if (!dy) {
            float *all = engine_scratch(engine, 0, SLOT_PIECE, rows * shape->output_channels * 4);
            engine_pending_compute(engine, rows, gradient, all);
            dy = all;
        }
        t.dy = dy;
        if (dx) t.weight = laid_out(engine, t.data[0], weight);
        const cache_entry *e = t.weights[0];
        t.layout_bytes = (long)dnnl_memory_desc_get_size(&e->weight);
        engine_run(engine, backward_task, &t);
        if (engine->threads > 1) engine_run(engine, sum_task, &t);
        if (e->reorder) reorder(engine, e, &e->weight, gradient_sum(&t, 0), &e->plain_weight, dw);
        else memcpy(dw, gradient_sum(&t, 0), (size_t)t.layout_bytes);
        if (db) engine_channel_sums(engine, rows, shape->output_channels, dy, db);
    }
    engine_leave(engine, entry);
    return works;
}
