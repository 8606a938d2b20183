#include "server/tracing/otlp_news.h"

#include "server/system/log.h"

#include <stdio.h>

static void tell_failure(struct otlp_news *news, const char *url, enum otlp_outcome outcome, const char *reason) {
    if (!news->has_failed && outcome == OTLP_REFUSED) {
        log_event(LOG_WARN, "otlp-failed", "%s refused spans: %s; they are lost", url, reason);
    } else if (!news->has_failed) {
        log_event(LOG_WARN, "otlp-failed",
                  "spans could not be sent to %s: %s; what has no room until they can be is dropped", url, reason);
    }
    news->has_failed = true;
}

static bool is_news(uint64_t *till_ns, uint64_t now_ns) {
    bool is_it = now_ns >= *till_ns;
    *till_ns = now_ns + OTLP_NEWS_QUIET_NS;
    return is_it;
}

static void tell_rejection(struct otlp_news *news, const char *url, const struct otlp_answer *answer, uint64_t spans,
                           uint64_t now_ns) {
    char claim[48] = "";
    if (!is_news(&news->rejected_till_ns, now_ns)) {
        return;
    }
    if (answer->rejected_spans > spans) {
        (void)snprintf(claim, sizeof claim, " (it says %llu)", (unsigned long long)answer->rejected_spans);
    }
    log_event(LOG_WARN, "otlp-rejected", "%s rejected %llu of %llu spans%s, which are lost%s%s", url,
              (unsigned long long)otlp_answer_rejected(answer, spans), (unsigned long long)spans, claim,
              answer->reason[0] != '\0' ? ": " : "", answer->reason);
}

void otlp_news_tell(struct otlp_news *news, const char *url, enum otlp_outcome outcome,
                    const struct otlp_answer *answer, uint64_t spans, uint64_t now_ns) {
    if (outcome != OTLP_TAKEN) {
        tell_failure(news, url, outcome, answer->reason);
        return;
    }
    if (news->has_failed) {
        log_event(LOG_INFO, "otlp-recovered", "spans are sent to %s again", url);
        news->has_failed = false;
    }
    if (answer->rejected_spans > 0) {
        tell_rejection(news, url, answer, spans, now_ns);
    } else if (answer->reason[0] != '\0' && is_news(&news->warned_till_ns, now_ns)) {
        log_event(LOG_WARN, "otlp-warning", "%s took all spans, and warns: %s", url, answer->reason);
    }
}
