// Dense convolution by oneDNN. Each thread runs a single-threaded primitive on its share: of the images, or of the pixels where the kernel
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
    dnnl_dims_t w_dims = {s->output_channels, s->input_channels, s->kernel_height, s->kernel_width}, b_dims = {s->output_channels};
    dnnl_dims_t strides = {s->stride_height, s->stride_width}, before = {s->pad_top, s->pad_left}, after = {s->pad_bottom, s->pad_right};
    dnnl_memory_desc_t any;
    if (dnnl_memory_desc_init_by_tag(&entry->x, 4, x_dims, dnnl_f32, dnnl_nhwc) || dnnl_memory_desc_init_by_tag(&entry->y, 4, y_dims, dnnl_f32, dnnl_nhwc)
        || dnnl_memory_desc_init_by_tag(&entry->plain_weight, 4, w_dims, dnnl_f32, dnnl_ohwi) || dnnl_memory_desc_init_by_tag(&any, 4, w_dims, dnnl_f32, dnnl_format_tag_any)
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

static void execute(tensor_engine *engine, int thread, dnnl_primitive_t primitive, int count, const argument *arguments) {
    enum { MOST = 6 };
    dnnl_exec_arg_t list[MOST];
    dnnl_stream_t stream;
    dnnl_engine_t dnnl = engine->primitives->engine;
    (void)thread;
    if (dnnl_stream_create(&stream, dnnl, dnnl_stream_default_flags)) abort();
    for (int i = 0; i < count; i++) {
        list[i].arg = arguments[i].argument;
        if (dnnl_memory_create(&list[i].memory, arguments[i].description, dnnl, arguments[i].data)) abort();
    }
    if (dnnl_primitive_execute(primitive, stream, count, list) || dnnl_stream_wait(stream)) abort();
    for (int i = 0; i < count; i++) dnnl_memory_destroy(list[i].memory);
    dnnl_stream_destroy(stream);
}

enum { SLOT_WEIGHT, SLOT_SCRATCHPAD, SLOT_GRADIENT };

static void reorder(tensor_engine *engine, const cache_entry *entry, const dnnl_memory_desc_t *from, const void *source, const dnnl_memory_desc_t *to, void *target) {
    argument arguments[] = {{DNNL_ARG_FROM, from, (void *)source}, {DNNL_ARG_TO, to, target}};
    execute(engine, 0, entry->reorder, 2, arguments);
}

static const float *laid_out(tensor_engine *engine, const cache_entry *entry, const float *weight) {
    if (!entry->reorder) return weight;
    float *target = engine_scratch(engine, 0, SLOT_WEIGHT, (long)dnnl_memory_desc_get_size(&entry->weight));
    reorder(engine, entry, &entry->plain_weight, weight, &entry->weight, target);
    return target;
}

// How a convolution falls into the threads' shares.
typedef struct {
    tensor_engine *engine;
    tensor_conv_shape shape;   // of the whole; where `pixels`, one row of pixels
    bool pixels;
    const float *x, *weight, *bias, *dy;
    float *y, *dx;
    bool needs_weights;
    long layout_bytes;
    cache_entry *forward[2], *data[2], *weights[2];  // for the longer and the shorter share
} convolution_task;

static bool is_pointwise(const tensor_conv_shape *s) {
    return s->kernel_height == 1 && s->kernel_width == 1 && s->stride_height == 1 && s->stride_width == 1 && !s->pad_top && !s->pad_bottom && !s->pad_left
        && !s->pad_right;
}

static convolution_task begin(tensor_engine *engine, const tensor_conv_shape *shape) {
    convolution_task t = {.engine = engine, .shape = *shape, .pixels = is_pointwise(shape)};
    if (t.pixels) {
        t.shape.width = t.shape.output_width = shape->batch * shape->height * shape->width;
        t.shape.batch = t.shape.height = t.shape.output_height = 1;
    }
    return t;
}

static long share_total(const convolution_task *t) { return t->pixels ? t->shape.width : t->shape.batch; }
static long longest_share(const convolution_task *t) { return (share_total(t) + t->engine->threads - 1) / t->engine->threads; }

// Which part of the whole is this thread's; false: none.
static bool my_share(const convolution_task *t, int thread, int threads, long *first, long *count) {
    long end;
    engine_share(share_total(t), 1, thread, threads, first, &end);
    *count = end - *first;
    return *count > 0;
}

// Primitives for both lengths of a share.
static bool find(convolution_task *t, direction direction, cache_entry *found[2]) {
    for (int shorter = 0; shorter < 2; shorter++) {
        tensor_conv_shape part = t->shape;
        long count = longest_share(t) - shorter;
        found[shorter] = NULL;
        if (shorter && (share_total(t) % t->engine->threads == 0 || count == 0)) continue;
        if (t->pixels) part.width = part.output_width = count;
        else part.batch = count;
        found[shorter] = primitive_for(t->engine->primitives, &part, direction, direction == FORWARD && t->bias);
        if (!found[shorter]) return false;
    }
    // One layout of the weights must serve all shares.
    return !found[1] || dnnl_memory_desc_equal(&found[0]->weight, &found[1]->weight);
}

static long plane(const convolution_task *t, bool output) {
    const tensor_conv_shape *s = &t->shape;
    if (t->pixels) return output ? s->output_channels : s->input_channels;
    return output ? s->output_height * s->output_width * s->output_channels : s->height * s->width * s->input_channels;
}

static void forward_task(void *context, int thread, int threads) {
    const convolution_task *t = context;
    long first, count;
    if (!my_share(t, thread, threads, &first, &count)) return;
    const cache_entry *e = t->forward[count < longest_share(t)];
    void *scratch = engine_scratch(t->engine, thread, SLOT_SCRATCHPAD, (long)dnnl_memory_desc_get_size(&e->scratchpad));
    argument arguments[] = {
        {DNNL_ARG_SRC, &e->x, (void *)(t->x + first * plane(t, false))}, {DNNL_ARG_WEIGHTS, &e->weight, (void *)t->weight},
        {DNNL_ARG_DST, &e->y, t->y + first * plane(t, true)},            {DNNL_ARG_SCRATCHPAD, &e->scratchpad, scratch},
        {DNNL_ARG_BIAS, &e->bias, (void *)t->bias},
    };
    execute(t->engine, thread, e->primitive, t->bias ? 5 : 4, arguments);
}

bool tensor_convolution(tensor_engine *engine, const tensor_conv_shape *shape, const float *x, const float *weight, const float *bias, float *y) {
    engine_entry entry = engine_enter(engine);
    convolution_task t = begin(engine, shape);
    t.x = x, t.bias = bias, t.y = y;
    bool works = find(&t, FORWARD, t.forward);
    if (works) {
        t.weight = laid_out(engine, t.forward[0], weight);
        engine_run(engine, forward_task, &t);
    }
    engine_leave(engine, entry);
    return works;
}

static float *gradient_part(const convolution_task *t, int thread) { return engine_scratch(t->engine, thread, SLOT_GRADIENT, t->layout_bytes); }

static void backward_task(void *context, int thread, int threads) {
    const convolution_task *t = context;
    long first, count;
    if (!my_share(t, thread, threads, &first, &count)) {
        memset(gradient_part(t, thread), 0, (size_t)t->layout_bytes);
        return;
    }
    int which = count < longest_share(t);
    void *x = (void *)(t->x + first * plane(t, false)), *dy = (void *)(t->dy + first * plane(t, true));
    if (t->dx) {
        const cache_entry *e = t->data[which];
        void *scratch = engine_scratch(t->engine, thread, SLOT_SCRATCHPAD, (long)dnnl_memory_desc_get_size(&e->scratchpad));
        argument arguments[] = {
            {DNNL_ARG_DIFF_DST, &e->y, dy},
            {DNNL_ARG_WEIGHTS, &e->weight, (void *)t->weight},
            {DNNL_ARG_DIFF_SRC, &e->x, t->dx + first * plane(t, false)},
            {DNNL_ARG_SCRATCHPAD, &e->scratchpad, scratch},
        };
        execute(t->engine, thread, e->primitive, 4, arguments);
    }
    const cache_entry *e = t->weights[which];
    void *scratch = engine_scratch(t->engine, thread, SLOT_SCRATCHPAD, (long)dnnl_memory_desc_get_size(&e->scratchpad));
    argument arguments[] = {
        {DNNL_ARG_SRC, &e->x, x},
        {DNNL_ARG_DIFF_DST, &e->y, dy},
        {DNNL_ARG_DIFF_WEIGHTS, &e->weight, gradient_part(t, thread)},
        {DNNL_ARG_SCRATCHPAD, &e->scratchpad, scratch},
    };
    execute(t->engine, thread, e->primitive, 4, arguments);
}

// Adds the threads' gradients into thread 0's, each thread a piece.
static void sum_task(void *context, int thread, int threads) {
    const convolution_task *t = context;
    long first, end;
    engine_share(t->layout_bytes / 4, 16, thread, threads, &first, &end);
    float *total = gradient_part(t, 0) + first;
    for (int other = 1; other < threads; other++) t->engine->vector->add(total, gradient_part(t, other) + first, end - first, total);
}

bool tensor_convolution_backward(
    tensor_engine *engine, const tensor_conv_shape *shape, const float *x, const float *weight, const float *dy, float *dx, float *dw, float *db) {
    engine_entry entry = engine_enter(engine);
    convolution_task t = begin(engine, shape);
    t.x = x, t.dy = dy, t.dx = dx;
    bool works = (!dx || find(&t, BACKWARD_DATA, t.data)) && find(&t, BACKWARD_WEIGHTS, t.weights);
    if (works) {
        if (dx) t.weight = laid_out(engine, t.data[0], weight);
        const cache_entry *e = t.weights[0];
        t.layout_bytes = (long)dnnl_memory_desc_get_size(&e->weight);
        engine_run(engine, backward_task, &t);
        if (engine->threads > 1) engine_run(engine, sum_task, &t);
        if (e->reorder) reorder(engine, e, &e->weight, gradient_part(&t, 0), &e->plain_weight, dw);
        else memcpy(dw, gradient_part(&t, 0), (size_t)t.layout_bytes);
        long rows = shape->batch * shape->output_height * shape->output_width;
        if (db) engine_channel_sums(engine, rows, shape->output_channels, dy, db);
    }
    engine_leave(engine, entry);
    return works;
}
