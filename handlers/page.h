#pragma once
/* Internal to handlers. The page for people: what web/ holds, answered to browsers. */
#include "server/engine/endpoint.h"

extern const struct endpoint page_script_endpoint; /* /page.js */
extern const struct endpoint page_style_endpoint;  /* /page.css */

/* The page itself: the answer of / to whom likes HTML best. */
enum problem_kind page_answer(struct call *call);
/* What ETag says of it. Static string. */
const char *page_tag(const struct call *call);
