/* SPDX-License-Identifier: MIT */
/* JSON that can be changed. */
#include "value.h"

#include "base/mem.h"
#include "base/str.h"

#include <stdalign.h>
#include <stdio.h>
#include <string.h>

/* ---- the pool ---- */

struct arm_block {
    arm_block *next;
    size_t size;
    alignas(max_align_t) unsigned char bytes[];
};

void arm_pool_done(arm_pool *pool)
{
    while (pool->blocks != NULL) {
        arm_block *block = pool->blocks;
        pool->blocks = block->next;
        es_free_wipe(block, sizeof *block + block->size);
    }
}

bool arm_pool_failed(const arm_pool *pool)
{
    return pool->failed;
}

void *arm_pool_alloc(arm_pool *pool, size_t n)
{
    arm_block *block = n < SIZE_MAX / 2 ? es_calloc(1, sizeof *block + n) : NULL;
    if (block == NULL) {
        pool->failed = true;
        return NULL;
    }
    block->size = n;
    block->next = pool->blocks;
    pool->blocks = block;
    return block->bytes;
}

char *arm_pool_copy(arm_pool *pool, const char *s, size_t n)
{
    char *copy = arm_pool_alloc(pool, n + 1);
    if (copy != NULL && n != 0)
        memcpy(copy, s, n);
    return copy;
}

char *arm_pool_printf(arm_pool *pool, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    char *text = n >= 0 ? arm_pool_alloc(pool, (size_t)n + 1) : NULL;
    if (text != NULL)
        (void)vsnprintf(text, (size_t)n + 1, fmt, again);
    else
        pool->failed = true;
    va_end(again);
    return text;
}

/* ---- making ---- */

arm_value *arm_new(arm_pool *pool, json_kind kind)
{
    arm_value *v = arm_pool_alloc(pool, sizeof *v);
    if (v != NULL)
        v->kind = kind;
    return v;
}

arm_value *arm_new_text(arm_pool *pool, const char *text)
{
    if (text == NULL)
        return arm_new(pool, JSON_KIND_NULL);
    arm_value *v = arm_new(pool, JSON_KIND_STRING);
    const char *copy = arm_pool_copy(pool, text, strlen(text));
    if (v == NULL || copy == NULL)
        return NULL;
    v->text = copy;
    return v;
}

arm_value *arm_new_bool(arm_pool *pool, bool value)
{
    arm_value *v = arm_new(pool, JSON_KIND_BOOL);
    if (v != NULL)
        v->boolean = value;
    return v;
}

arm_value *arm_new_number(arm_pool *pool, int64_t value)
{
    arm_value *v = arm_new(pool, JSON_KIND_INTEGER);
    if (v != NULL)
        v->integer = value;
    return v;
}

static void add(arm_pool *pool, arm_value *parent, const char *name, arm_value *value)
{
    arm_member *m = parent != NULL && value != NULL ? arm_pool_alloc(pool, sizeof *m) : NULL;
    if (m == NULL)
        return;
    m->name = name != NULL ? arm_pool_copy(pool, name, strlen(name)) : NULL;
    if (name != NULL && m->name == NULL)
        return;
    m->value = value;
    if (parent->last != NULL)
        parent->last->next = m;
    else
        parent->first = m;
    parent->last = m;
    parent->count++;
}

static void fill_from_node(arm_pool *pool, arm_value *v, const json_node *node)
{
    switch (v->kind) {
    case JSON_KIND_NULL:
        break;
    case JSON_KIND_BOOL:
        (void)!json_node_bool(node, &v->boolean);
        break;
    case JSON_KIND_INTEGER:
        (void)!json_node_i64(node, &v->integer);
        break;
    case JSON_KIND_REAL:
        (void)!json_node_real(node, &v->real);
        break;
    case JSON_KIND_STRING: {
        const char *text = "";
        (void)!json_node_string(node, &text, NULL);
        v->text = arm_pool_copy(pool, text, strlen(text));
        break;
    }
    case JSON_KIND_ARRAY:
        for (size_t i = 0; i < json_count(node); i++)
            add(pool, v, NULL, arm_from_node(pool, json_element(node, i)));
        break;
    case JSON_KIND_OBJECT:
        for (json_cursor *at = json_cursor_next(node, NULL); at != NULL;
             at = json_cursor_next(node, at))
            add(pool, v, json_cursor_name(at), arm_from_node(pool, json_cursor_value(at)));
        break;
    }
}

arm_value *arm_from_node(arm_pool *pool, const json_node *node)
{
    arm_value *v = node != NULL ? arm_new(pool, json_node_kind(node)) : NULL;
    if (v != NULL)
        fill_from_node(pool, v, node);
    /* Nobody has to look for a text without a text. */
    return v != NULL && (v->kind != JSON_KIND_STRING || v->text != NULL) ? v : NULL;
}

arm_value *arm_clone(arm_pool *pool, const arm_value *v)
{
    arm_value *copy = v != NULL ? arm_new(pool, v->kind) : NULL;
    if (copy == NULL)
        return NULL;
    *copy = *v;
    copy->first = copy->last = NULL;
    copy->count = 0;
    for (const arm_member *m = v->first; m != NULL; m = m->next)
        add(pool, copy, m->name, arm_clone(pool, m->value));
    return copy;
}

/* ---- looking ---- */

bool arm_is(const arm_value *v, json_kind kind)
{
    return v != NULL && v->kind == kind;
}

static arm_member *find(const arm_value *object, const char *name, bool nocase)
{
    if (!arm_is(object, JSON_KIND_OBJECT))
        return NULL;
    for (arm_member *m = object->first; m != NULL; m = m->next) {
        if (nocase ? es_strcaseeq(m->name, name) : es_streq(m->name, name))
            return m;
    }
    return NULL;
}

arm_value *arm_get(const arm_value *object, const char *name)
{
    const arm_member *m = find(object, name, false);
    return m != NULL ? m->value : NULL;
}

arm_value *arm_get_nocase(const arm_value *object, const char *name)
{
    const arm_member *m = find(object, name, true);
    return m != NULL ? m->value : NULL;
}

arm_value *arm_at(const arm_value *object, const char *const *names)
{
    arm_value *at = arm_get(object, *names);
    while (*++names != NULL)
        at = arm_get(at, *names);
    return at;
}

const char *arm_text(const arm_value *object, const char *name)
{
    const arm_value *v = arm_get(object, name);
    return arm_is(v, JSON_KIND_STRING) ? v->text : NULL;
}

bool arm_flag(const arm_value *object, const char *name)
{
    const arm_value *v = arm_get(object, name);
    return arm_is(v, JSON_KIND_BOOL) && v->boolean;
}

static bool same_members(const arm_value *a, const arm_value *b)
{
    if (a->count != b->count)
        return false;
    const arm_member *other = b->first;
    for (const arm_member *m = a->first; m != NULL; m = m->next) {
        const arm_value *its = m->name != NULL ? arm_get(b, m->name) : other->value;
        if (!arm_same(m->value, its))
            return false;
        other = other->next;
    }
    return true;
}

bool arm_same(const arm_value *a, const arm_value *b)
{
    if (a == NULL || b == NULL || a->kind != b->kind)
        return a == b;
    switch (a->kind) {
    case JSON_KIND_NULL:
        return true;
    case JSON_KIND_BOOL:
        return a->boolean == b->boolean;
    case JSON_KIND_INTEGER:
        return a->integer == b->integer;
    case JSON_KIND_REAL:
        return !(a->real < b->real) && !(a->real > b->real);
    case JSON_KIND_STRING:
        return es_streq(a->text, b->text);
    case JSON_KIND_ARRAY:
    case JSON_KIND_OBJECT:
        break;
    }
    return same_members(a, b);
}

/* ---- changing ---- */

void arm_set(arm_pool *pool, arm_value *object, const char *name, arm_value *value)
{
    if (!arm_is(object, JSON_KIND_OBJECT) || value == NULL)
        return;
    arm_member *m = find(object, name, false);
    if (m != NULL)
        m->value = value;
    else
        add(pool, object, name, value);
}

void arm_set_text(arm_pool *pool, arm_value *object, const char *name, const char *text)
{
    arm_set(pool, object, name, arm_new_text(pool, text));
}

void arm_append(arm_pool *pool, arm_value *array, arm_value *value)
{
    if (arm_is(array, JSON_KIND_ARRAY))
        add(pool, array, NULL, value);
}

void arm_remove_value(arm_value *parent, const arm_value *value)
{
    if (parent == NULL || value == NULL)
        return;
    arm_member *before = NULL;
    for (arm_member *m = parent->first; m != NULL; before = m, m = m->next) {
        if (m->value != value)
            continue;
        if (before != NULL)
            before->next = m->next;
        else
            parent->first = m->next;
        if (parent->last == m)
            parent->last = before;
        parent->count--;
        return;
    }
}

void arm_remove(arm_value *object, const char *name)
{
    arm_remove_value(object, arm_get(object, name));
}

static arm_value *need(arm_pool *pool, arm_value *object, const char *name, json_kind kind)
{
    arm_value *v = arm_get(object, name);
    if (arm_is(v, kind))
        return v;
    v = arm_new(pool, kind);
    arm_set(pool, object, name, v);
    return v;
}

arm_value *arm_need_object(arm_pool *pool, arm_value *object, const char *name)
{
    return need(pool, object, name, JSON_KIND_OBJECT);
}

arm_value *arm_need_array(arm_pool *pool, arm_value *object, const char *name)
{
    return need(pool, object, name, JSON_KIND_ARRAY);
}

void arm_merge(arm_pool *pool, arm_value *target, const arm_value *patch)
{
    if (!arm_is(target, JSON_KIND_OBJECT) || !arm_is(patch, JSON_KIND_OBJECT))
        return;
    for (const arm_member *m = patch->first; m != NULL; m = m->next) {
        if (arm_is(m->value, JSON_KIND_NULL))
            arm_remove(target, m->name);
        else if (arm_is(m->value, JSON_KIND_OBJECT))
            arm_merge(pool, arm_need_object(pool, target, m->name), m->value);
        else
            arm_set(pool, target, m->name, arm_clone(pool, m->value));
    }
}

/* ---- writing ---- */

static void put_members(json_writer *j, const arm_value *v)
{
    for (const arm_member *m = v->first; m != NULL; m = m->next) {
        if (m->name != NULL)
            json_name(j, m->name);
        arm_put(j, m->value);
    }
}

void arm_put(json_writer *j, const arm_value *v)
{
    char number[40];
    switch (v != NULL ? v->kind : JSON_KIND_NULL) {
    case JSON_KIND_NULL:
        json_put_null(j);
        break;
    case JSON_KIND_BOOL:
        json_put_bool(j, v->boolean);
        break;
    case JSON_KIND_INTEGER:
        json_put_i64(j, v->integer);
        break;
    case JSON_KIND_REAL:
        (void)snprintf(number, sizeof number, "%.17g", v->real);
        json_put_raw(j, number, strlen(number));
        break;
    case JSON_KIND_STRING:
        json_put_string(j, v->text);
        break;
    case JSON_KIND_ARRAY:
        json_begin_array(j);
        put_members(j, v);
        json_end_array(j);
        break;
    case JSON_KIND_OBJECT:
        json_begin_object(j);
        put_members(j, v);
        json_end_object(j);
        break;
    }
}
