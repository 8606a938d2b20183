#include "server/engine/shortage.h"

enum problem_kind shortage_refuse(const struct shortage *shortage, unsigned queue_limit, struct problem *problem) {
    const char *wait = shortage->has_coming ? "waiting or on the way" : "waiting already";
    bool is_one = shortage->waiting == 1;
    if (queue_limit == 0) {
        return problem_set(problem, PROBLEM_OVERLOADED, NULL,
                           "the cores are busy, and no request may wait for them (--queue is 0)");
    }
    if (shortage->is_share) {
        return problem_set(problem, PROBLEM_OVERLOADED, NULL,
                           "%u request%s of your address %s %s, which is the limit of one address while the queue has "
                           "%u place%s left (--queue is %u)",
                           shortage->waiting, is_one ? "" : "s", is_one ? "is" : "are", wait, shortage->left,
                           problem_plural(shortage->left), queue_limit);
    }
    if (shortage->waiting > queue_limit) {
        return problem_set(problem, PROBLEM_OVERLOADED, NULL, "%u requests are %s, more than the limit (--queue is %u)",
                           shortage->waiting, wait, queue_limit);
    }
    return problem_set(problem, PROBLEM_OVERLOADED, NULL, "%u request%s %s, which is the limit (--queue)",
                       shortage->waiting, is_one ? " is" : "s are", wait);
}
