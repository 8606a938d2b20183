#pragma once
/* A store as the server makes one, with a budget and a pool of its own. */
#include "server/data/data_store.h"
#include "server/engine/account.h"
#include "server/system/facts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { DATA_LIMIT = 1 << 20, MEMORY_LIMIT = 1 << 24 };

static struct facts facts;
static struct memory_budget budget;
static struct host host = {.facts = &facts, .memory = &budget};
static struct data_store *store;

static inline size_t used_bytes(void) {
    return atomic_load(&budget.used_bytes);
}

static inline void open_store(size_t limit_bytes, int folder) {
    memory_budget_init(&budget, MEMORY_LIMIT);
    host.buffers = buffer_pool_new(1 << 22, UINT32_MAX);
    assert_non_null(host.buffers);
    store = data_store_new(&host, limit_bytes, folder);
    assert_non_null(store);
}

/* All memory has come back. */
static inline void close_store(void) {
    data_store_free(store);
    assert_int_equal(used_bytes(), 0);
    buffer_pool_free(host.buffers);
}

static inline struct text_view view(const char *text) {
    return (struct text_view){text, strlen(text)};
}

static inline enum problem_kind put_with(const char *name, const char *text, uint64_t expires_s,
                                         const struct data_conditions *conditions, struct data_receipt *receipt,
                                         struct problem *problem) {
    struct data_put put = {.name = view(name),
                           .about = {.kind = DATA_TEXT, .shape = {1, 1}},
                           .bytes = text,
                           .length = strlen(text),
                           .expires_s = expires_s};
    if (conditions) {
        put.conditions = *conditions;
    }
    return data_store_put(store, &put, receipt, problem);
}

/* A text, which is taken. */
static inline void put_text(const char *name, const char *text) {
    struct data_receipt receipt;
    struct problem problem = {0};
    if (put_with(name, text, 0, NULL, &receipt, &problem)) {
        fail_msg("%s: %s", name, problem.detail);
    }
    data_version_drop(receipt.version);
}

static inline enum problem_kind delete_name(const char *name) {
    static const struct data_conditions none;
    struct problem problem = {0};
    return data_store_delete(store, view(name), &none, &problem);
}

static inline void expect_text(const char *name, const char *text) {
    struct data_version *version = data_store_find(store, view(name));
    if (!version) {
        fail_msg("%s isn't there", name);
        return;
    }
    assert_string_equal(version->name, name);
    assert_int_equal(version->length, strlen(text));
    assert_memory_equal(version->bytes, text, strlen(text));
    data_version_drop(version);
}

static inline void expect_nothing(const char *name) {
    struct data_version *version = data_store_find(store, view(name));
    assert_null(version);
}

/* The names of a list, separated by spaces. */
static inline const char *listed(const char *prefix, const char *after, size_t limit, bool *more) {
    static char names[4096];
    struct data_version *versions[32];
    size_t count = data_store_list(store, view(prefix), view(after), limit, versions, more);
    size_t used = 0;
    names[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        used += (size_t)snprintf(names + used, sizeof names - used, i > 0 ? " %s" : "%s", versions[i]->name);
        data_version_drop(versions[i]);
    }
    return names;
}
