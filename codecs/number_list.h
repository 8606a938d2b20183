#pragma once
/* Lists of JSON numbers: what number_read does, many at a time. */
#ifdef __cplusplus
extern "C" {
#endif

/* Reads numbers from `at` on, where one starts or spaces before it, to (*out)[0], (*out)[1], … and moves *out behind
 * them, as long as each is followed by a comma before `limit` <= end. Returns where the first one starts that isn't, to
 * be read by number_read: (*out)[0] may have been written. `end` as for number_read; nothing before `at` is read. */
const char *number_read_list(const char *at, const char *end, const char *limit, double **out);

#ifdef __cplusplus
}
#endif
