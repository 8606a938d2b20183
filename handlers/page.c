#include "handlers/page.h"

#include "handlers/embedded.h"

/* The page is what this process serves and nothing else: no other host, nothing inline, no frame around it. */
static const char policy[] = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
                             "img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'; form-action 'none'";

static enum problem_kind add_guards(struct call *call) {
    if (call_add_field(call, "Content-Security-Policy", policy) ||
        call_add_field(call, "Cross-Origin-Opener-Policy", "same-origin") ||
        call_add_field(call, "Referrer-Policy", "no-referrer")) {
        return call->problem.kind;
    }
    return call_add_field(call, "X-Content-Type-Options", "nosniff");
}

enum problem_kind page_answer(struct call *call) {
    call->content_type = "text/html; charset=utf-8";
    return embedded_answer(call, &embedded_page) ? call->problem.kind : add_guards(call);
}

const char *page_tag(const struct call *call) {
    return embedded_tag(call, &embedded_page);
}

static enum problem_kind answer_script(struct call *call) {
    return embedded_answer(call, &embedded_script) ? call->problem.kind
                                                   : call_add_field(call, "X-Content-Type-Options", "nosniff");
}

static const char *tag_script(const struct call *call) {
    return embedded_tag(call, &embedded_script);
}

static enum problem_kind answer_style(struct call *call) {
    return embedded_answer(call, &embedded_style) ? call->problem.kind
                                                  : call_add_field(call, "X-Content-Type-Options", "nosniff");
}

static const char *tag_style(const struct call *call) {
    return embedded_tag(call, &embedded_style);
}

const struct endpoint page_script_endpoint = {.path = "/page.js",
                                              .summary = "the page's script",
                                              .method = ENDPOINT_GET,
                                              .produces = MEDIA_SCRIPT,
                                              .answer = answer_script,
                                              .tag = tag_script};

const struct endpoint page_style_endpoint = {.path = "/page.css",
                                             .summary = "the page's style sheet",
                                             .method = ENDPOINT_GET,
                                             .produces = MEDIA_STYLE,
                                             .answer = answer_style,
                                             .tag = tag_style};
