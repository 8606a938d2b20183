#include "server/system/config.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct config config;
static char out[16384], errors[16384];

static int redirect(int fd, int ends[2]) {
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    int saved = dup(fd);
    dup2(ends[1], fd);
    close(ends[1]);
    return saved;
}

static void restore(int fd, int saved, int readable, char *text, size_t capacity) {
    dup2(saved, fd);
    close(saved);
    ssize_t length = read(readable, text, capacity - 1);
    text[length > 0 ? length : 0] = '\0';
    close(readable);
}

/* config_read with the arguments up to NULL; what it printed is in `out` and `errors`. */
static enum config_outcome read_arguments(const char *first, ...) {
    char *argv[16] = {(char *)"forkjoin"};
    int argc = 1, out_ends[2], error_ends[2];
    va_list arguments;
    va_start(arguments, first);
    for (const char *argument = first; argument && argc < 15; argument = va_arg(arguments, const char *)) {
        argv[argc++] = (char *)argument;
    }
    va_end(arguments);
    fflush(NULL);
    int saved_out = redirect(STDOUT_FILENO, out_ends);
    int saved_error = redirect(STDERR_FILENO, error_ends);
    enum config_outcome outcome = config_read(&config, argc, argv);
    fflush(NULL);
    restore(STDOUT_FILENO, saved_out, out_ends[0], out, sizeof out);
    restore(STDERR_FILENO, saved_error, error_ends[0], errors, sizeof errors);
    return outcome;
}

/* Refused with exactly one line that contains all of the texts. */
static void assert_refused(enum config_outcome outcome, const char *first, const char *second, const char *third) {
    const char *texts[] = {first, second, third};
    assert_int_equal(outcome, CONFIG_EXIT_USAGE);
    for (size_t i = 0; i < 3; i++) {
        if (!strstr(errors, texts[i])) {
            fail_msg("expected \"%s\" in: %s", texts[i], errors);
        }
    }
    assert_ptr_equal(strchr(errors, '\n'), errors + strlen(errors) - 1);
    assert_string_equal(out, "");
}

static int clear(void **state) {
    (void)state;
    return clearenv();
}

static void defaults_hold_where_nothing_is_said(void **state) {
    (void)state;
    assert_int_equal(read_arguments(NULL), CONFIG_RUN);
    assert_string_equal(config.listen, "127.0.0.1");
    assert_int_equal(config.port, 8080);
    assert_int_equal(config.io_threads, 0);
    assert_int_equal(config.cores, 0);
    assert_int_equal(config.queue_length, 256);
    assert_int_equal(config.max_body_bytes, 64 << 20);
    assert_int_equal(config.memory_bytes, 0);
    assert_int_equal(config.max_connections, 4096);
    assert_int_equal(config.max_connections_per_address, 0);
    assert_int_equal(config.header_timeout_ns, UINT64_C(10000000000));
    assert_int_equal(config.body_timeout_ns, UINT64_C(60000000000));
    assert_int_equal(config.idle_timeout_ns, UINT64_C(75000000000));
    assert_int_equal(config.timeout_ns, UINT64_C(30000000000));
    assert_int_equal(config.drain_ns, UINT64_C(30000000000));
    assert_int_equal(config.drain_delay_ns, 0);
    assert_int_equal(config.log_level, LOG_INFO);
    assert_string_equal(config.cgroup_root, "/sys/fs/cgroup");
    assert_null(config.cors_origin);
    assert_string_equal(errors, "");
}

static void flags_take_their_value_either_way(void **state) {
    (void)state;
    assert_int_equal(read_arguments("--port", "0", "--listen=::1", "--max-body", "1GiB", "--timeout=1.5s", "--drain",
                                    "250ms", "--log-level=debug", "--cores", "3", "--job-cores=2", NULL),
                     CONFIG_RUN);
    assert_int_equal(config.port, 0);
    assert_string_equal(config.listen, "::1");
    assert_int_equal(config.max_body_bytes, 1 << 30);
    assert_int_equal(config.timeout_ns, 1500000000);
    assert_int_equal(config.drain_ns, 250000000);
    assert_int_equal(config.log_level, LOG_DEBUG);
    assert_int_equal(config.cores, 3);
    assert_int_equal(config.job_cores, 2);
}

static void a_flag_wins_over_the_environment_and_that_over_the_default(void **state) {
    (void)state;
    setenv("FORKJOIN_PORT", "1111", 1);
    setenv("FORKJOIN_MAX_CONNECTIONS_PER_ADDRESS", "5", 1);
    assert_int_equal(read_arguments("--port", "2222", "--port", "3333", NULL), CONFIG_RUN);
    assert_int_equal(config.port, 3333);
    assert_int_equal(config.max_connections_per_address, 5);
    assert_int_equal(config.queue_length, 256);
}

static void a_bad_value_is_one_line_with_what_is_allowed(void **state) {
    (void)state;
    assert_refused(read_arguments("--port", "70000", NULL), "--port", "\"70000\"",
                   "from 1 to 65535, or 0: any free port");
    assert_refused(read_arguments("--port=-1", NULL), "--port", "\"-1\"", "from 1 to 65535");
    assert_refused(read_arguments("--cores", "", NULL), "--cores", "\"\"", "1024");
    assert_refused(read_arguments("--job-cores", "1025", NULL), "--job-cores", "\"1025\"", "0: all but one");
    assert_refused(read_arguments("--max-body", "64MB", NULL), "--max-body", "64MB", "1KiB to 64GiB");
    assert_refused(read_arguments("--max-body", "0", NULL), "--max-body", "\"0\"", "1KiB");
    assert_refused(read_arguments("--memory", "1MiB", NULL), "--memory", "1MiB", "16MiB");
    assert_refused(read_arguments("--timeout", "0", NULL), "--timeout", "\"0\"", "1ms");
    assert_refused(read_arguments("--timeout", "1h", NULL), "--timeout", "1h", "86400s");
    assert_refused(read_arguments("--log-level", "loud", NULL), "--log-level", "loud", "error, warn, info, debug");
    assert_refused(read_arguments("--listen", "localhost", NULL), "--listen", "localhost", "numeric");
    assert_refused(read_arguments("--listen", "1.2.3.4\nX", NULL), "--listen", "1.2.3.4?X", "numeric");
    assert_refused(read_arguments("--cgroup-root", "x", NULL), "--cgroup-root", "\"x\"", "absolute");
    assert_refused(read_arguments("--port", NULL), "--port", "needs a value", "65535");
}

static void callbacks_have_hosts_and_a_file(void **state) {
    (void)state;
    assert_int_equal(read_arguments(NULL, NULL), CONFIG_RUN);
    assert_null(config.callback_allow);
    assert_null(config.callback_secret_file);
    assert_true(config.callback_retry_ns == UINT64_C(5000000000) &&
                config.callback_timeout_ns == UINT64_C(15000000000));
    assert_int_equal(
        read_arguments("--callback-allow", "a.example, 10.0.0.0/8:*", "--callback-secret-file=/run/keys", NULL),
        CONFIG_RUN);
    assert_string_equal(config.callback_allow, "a.example, 10.0.0.0/8:*");
    assert_string_equal(config.callback_secret_file, "/run/keys");
    assert_int_equal(read_arguments("--callback-allow", "none", "--callback-secret-file", "none", NULL), CONFIG_RUN);
    assert_null(config.callback_allow);
    assert_null(config.callback_secret_file);
    assert_refused(read_arguments("--callback-allow", "a.example,https://b.example", NULL), "--callback-allow",
                   "\"https://b.example\"", "hooks.example.org");
    assert_refused(read_arguments("--callback-secret-file", "keys", NULL), "--callback-secret-file", "\"keys\"",
                   "absolute path");
    assert_refused(read_arguments("--callback-retry", "0s", NULL), "--callback-retry", "1ms", "3600s");
}

static void origins_of_pages_are_checked_one_by_one(void **state) {
    (void)state;
    assert_int_equal(read_arguments("--cors-origin", "https://a.example, http://localhost:3000", NULL), CONFIG_RUN);
    assert_string_equal(config.cors_origin, "https://a.example, http://localhost:3000");
    assert_int_equal(read_arguments("--cors-origin=*", NULL), CONFIG_RUN);
    assert_string_equal(config.cors_origin, "*");
    setenv("FORKJOIN_CORS_ORIGIN", "https://a.example", 1);
    assert_int_equal(read_arguments(NULL), CONFIG_RUN);
    assert_string_equal(config.cors_origin, "https://a.example");
    assert_int_equal(read_arguments("--cors-origin", "none", NULL), CONFIG_RUN);
    assert_null(config.cors_origin);
    assert_refused(read_arguments("--cors-origin", "https://a.example/", NULL), "--cors-origin",
                   "\"https://a.example/\"", "no path");
    assert_refused(read_arguments("--cors-origin", "https://a.example,null", NULL), "--cors-origin", "\"null\"",
                   "\"*\"");
    assert_refused(read_arguments("--cors-origin", "", NULL), "--cors-origin", "\"\"", "origins");
    assert_refused(read_arguments("--cors-origin", "none, none", NULL), "--cors-origin", "\"none, none\"", "origins");
}

static void a_bad_variable_is_named_as_such(void **state) {
    (void)state;
    setenv("FORKJOIN_QUEUE", "many", 1);
    assert_refused(read_arguments("--queue", "5", NULL), "FORKJOIN_QUEUE", "many", "from 0 to 1000000");
}

static void an_unknown_flag_is_refused_with_the_nearest_one(void **state) {
    (void)state;
    assert_refused(read_arguments("--prot", "80", NULL), "unknown flag", "\"--prot\"", "did you mean --port?");
    assert_refused(read_arguments("--max-bodies=3", NULL), "unknown flag", "\"--max-bodies\"", "--help");
    assert_refused(read_arguments("--verison", NULL), "unknown flag", "--verison", "--version?");
    assert_refused(read_arguments("--something-else", NULL), "unknown flag", "--something-else", "see --help");
    assert_refused(read_arguments("serve", NULL), "unknown argument", "serve", "see --help");
    assert_refused(read_arguments("--", NULL), "unknown argument", "\"--\"", "");
    assert_refused(read_arguments("", NULL), "unknown argument", "\"\"", "");
    assert_refused(read_arguments("-p", NULL), "unknown argument", "\"-p\"", "");
    assert_refused(read_arguments("--healthcheck=yes", NULL), "--healthcheck", "takes no value", "");
}

static void an_unknown_variable_of_ours_is_refused(void **state) {
    (void)state;
    setenv("FORKJOIN_MAXBODY", "1MiB", 1);
    assert_refused(read_arguments(NULL), "environment variable", "FORKJOIN_MAXBODY", "did you mean FORKJOIN_MAX_BODY?");
}

static void an_endless_name_is_cut(void **state) {
    char name[5000];
    (void)state;
    memset(name, 'x', sizeof name);
    name[0] = name[1] = '-';
    name[sizeof name - 1] = '\0';
    assert_refused(read_arguments(name, NULL), "unknown flag", "--xxx", "--help");
    assert_in_range(strlen(errors), 1, 200);
    memcpy(name, "FORKJOIN_", 9);
    setenv(name, "1", 1);
    assert_refused(read_arguments(NULL), "environment variable", "FORKJOIN_xxx", "--help");
    assert_in_range(strlen(errors), 1, 200);
}

static void variables_that_tell_where_a_service_is_are_no_settings(void **state) {
    static const char *const names[] = {
        "FORKJOIN",          "FORKJOIN_API",     "FORKJOIN_HEALTH",
        "FORKJOIN_MAX_BODY", "FORKJOIN_PORT_80", "FORKJOIN_A_SERVICE_WITH_A_NAME_AS_LONG_AS_THE_RULES_ALLOW_00000000"};
    static const char *const links[][2] = {
        {"SERVICE_HOST", "10.0.0.1"},
        {"SERVICE_HOST", "fd00::1"},
        {"SERVICE_PORT", "80"},
        {"SERVICE_PORT_HTTP", "80"},
        {"SERVICE_PORT_HTTP_METRICS", "9090"},
        {"PORT", "tcp://10.0.0.1:80"},
        {"PORT", "udp://[fd00::1]:80"},
        {"PORT", "sctp://10.0.0.1:80"},
        {"PORT_80_TCP", "tcp://10.0.0.1:80"},
        {"PORT_80_TCP_PROTO", "tcp"},
        {"PORT_80_TCP_PORT", "80"},
        {"PORT_80_TCP_ADDR", "10.0.0.1"},
        {"PORT_5353_UDP_ADDR", "10.0.0.1"},
        {"PORT_9_SCTP", "sctp://10.0.0.1:9"},
        {"PORT_8080_TCP_START", "tcp://172.17.0.2:8080"},
        {"PORT_8080_TCP_PORT_END", "8085"},
        {"NAME", "/web/forkjoin"},
        {"ENV_PATH", "/usr/bin:/bin"},
        {"ENV_FORKJOIN_PORT", "x"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        for (size_t j = 0; j < sizeof links / sizeof *links; j++) {
            char name[128];
            (void)snprintf(name, sizeof name, "%s_%s", names[i], links[j][0]);
            setenv(name, links[j][1], 1);
            if (read_arguments("--max-body", "2KiB", NULL) != CONFIG_RUN || config.port != 8080 ||
                config.health_port != 0 || config.max_body_bytes != 2048) {
                fail_msg("%s=%s: %s", name, links[j][1], errors);
            }
        }
    }
}

static void a_misspelt_setting_that_looks_like_a_service_is_refused(void **state) {
    static const char *const entries[][3] = {
        {"FORKJOIN_PROT", "80", "did you mean FORKJOIN_PORT?"},
        {"FORKJOIN_PORTS", "tcp://10.0.0.1:80", "did you mean FORKJOIN_PORT?"},
        {"FORKJOIN_HEALT_PORT", "80", "did you mean FORKJOIN_HEALTH_PORT?"},
        {"FORKJOIN_HEALTH_PORT", "http://10.0.0.1:80", "from 1 to 65535"},
        {"FORKJOIN_PORT", "tcp:80", "from 1 to 65535"},
        {"FORKJOIN_PORT", "", "from 1 to 65535"},
        {"FORKJOIN_PORT_", "80", "did you mean FORKJOIN_PORT?"},
        {"FORKJOIN_PORT_80", "80", "FORKJOIN_PORT_80"},
        {"FORKJOIN_PORT_X_TCP", "80", "see --help"},
        {"FORKJOIN_PORT_80_HTTP", "80", "see --help"},
        {"FORKJOIN_SERVICE_PRT", "80", "see --help"},
        {"FORKJOIN_NAME", "parallel", "see --help"},
        {"FORKJOIN_ENVIRONMENT", "production", "see --help"},
        {"FORKJOIN_X", "a_SERVICE_HOST=b", "see --help"},
    };
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
        clear(state);
        setenv(entries[i][0], entries[i][1], 1);
        assert_refused(read_arguments(NULL), entries[i][0], entries[i][2], "");
    }
}

/* What a terminal would obey, as characters and as bytes that are none. */
static void error_lines_show_no_control_characters(void **state) {
    static const char *const values[][2] = {
        {"a\x1b[31m\r\n\x7f", "\"a?[31m???\""},
        {"\xC2\x80 \xC2\x9B"
         "31m\xC2\x9F\xC2\xA0",
         "\"? ?31m?\xC2\xA0\""},
        {"\x9B"
         "31m \xFF \xC3",
         "\"?31m ? ?\""},
        {"\xE2\x80\xAE"
         "x\xE2\x81\xA6\xE2\x80\xA8\xE2\x80\x8F\xD8\x9C",
         "\"?x????\""},
        {"\xE2\x82\xAC \xF0\x9F\x98\x80", "\"\xE2\x82\xAC \xF0\x9F\x98\x80\""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        assert_refused(read_arguments("--port", values[i][0], NULL), "--port", values[i][1], "65535");
        assert_refused(read_arguments(values[i][0], NULL), "unknown argument", values[i][1], "");
    }
    setenv("FORKJOIN_X\xC2\x9B", "1", 1);
    assert_refused(read_arguments(NULL), "\"FORKJOIN_X?\"", "--help", "");
}

/* 79 bytes are shown; a character of four that would pass them isn't begun. */
static void a_long_value_is_cut_between_characters(void **state) {
    char value[201] = "";
    (void)state;
    for (size_t i = 0; i < sizeof value - 1; i += 4) {
        memcpy(value + i, "\xF0\x9F\x98\x80", 4);
    }
    assert_refused(read_arguments("--memory=1TB", NULL), "--memory", "from 16MiB",
                   "; its unit is KiB, MiB or GiB, or it is bytes");
    assert_refused(read_arguments("--timeout", "3h", NULL), "--timeout", "to 86400s",
                   "; its unit is ms or s, or it is seconds");
    assert_refused(read_arguments("--port", value, NULL), "--port", "\xF0\x9F\x98\x80\" is not allowed", "65535");
    assert_null(strstr(errors, "?"));
}

static void healthcheck_is_an_action_that_sees_the_settings(void **state) {
    (void)state;
    setenv("FORKJOIN_PORT", "1234", 1);
    assert_int_equal(read_arguments("--healthcheck", "--listen", "0.0.0.0", NULL), CONFIG_HEALTHCHECK);
    assert_int_equal(config.port, 1234);
    assert_string_equal(config.listen, "0.0.0.0");
    assert_refused(read_arguments("--healthcheck", "--port", "x", NULL), "--port", "\"x\"", "65535");
}

static void version_is_printed_whatever_else_is_wrong(void **state) {
    (void)state;
    setenv("FORKJOIN_PORT", "x", 1);
    assert_int_equal(read_arguments("--nonsense", "--version", NULL), CONFIG_EXIT_OK);
    assert_string_equal(out, "forkjoin " FORKJOIN_VERSION "\n");
    assert_string_equal(errors, "");
}

static void help_names_every_flag_its_variable_range_and_default(void **state) {
    static const char *const texts[] = {"--listen ADDRESS",
                                        "--port N",
                                        "--max-body SIZE",
                                        "--timeout TIME",
                                        "--log-level LEVEL",
                                        "FORKJOIN_LISTEN",
                                        "127.0.0.1",
                                        "--max-connections-per-address",
                                        "FORKJOIN_MAX_CONNECTIONS_PER_ADDRESS",
                                        "[64MiB]",
                                        "a size such as 64MiB, from 1KiB to 64GiB",
                                        "--drain-delay",
                                        "FORKJOIN_DRAIN_DELAY",
                                        "[10s]",
                                        "one of error, warn, info, debug",
                                        "--cgroup-root PATH",
                                        "--healthcheck",
                                        "--version",
                                        "--help"};
    (void)state;
    assert_int_equal(read_arguments("--help", NULL), CONFIG_EXIT_OK);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (!strstr(out, texts[i])) {
            fail_msg("\"%s\" is missing from:\n%s", texts[i], out);
        }
    }
    for (char *line = out, *end; (end = strchr(line, '\n')); line = end + 1) {
        assert_in_range(end - line, 0, 80);
    }
    assert_string_equal(errors, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(defaults_hold_where_nothing_is_said, clear),
        cmocka_unit_test_setup(flags_take_their_value_either_way, clear),
        cmocka_unit_test_setup(a_flag_wins_over_the_environment_and_that_over_the_default, clear),
        cmocka_unit_test_setup(a_bad_value_is_one_line_with_what_is_allowed, clear),
        cmocka_unit_test_setup(callbacks_have_hosts_and_a_file, clear),
        cmocka_unit_test_setup(origins_of_pages_are_checked_one_by_one, clear),
        cmocka_unit_test_setup(a_bad_variable_is_named_as_such, clear),
        cmocka_unit_test_setup(an_unknown_flag_is_refused_with_the_nearest_one, clear),
        cmocka_unit_test_setup(an_unknown_variable_of_ours_is_refused, clear),
        cmocka_unit_test_setup(an_endless_name_is_cut, clear),
        cmocka_unit_test_setup(variables_that_tell_where_a_service_is_are_no_settings, clear),
        cmocka_unit_test_setup(a_misspelt_setting_that_looks_like_a_service_is_refused, clear),
        cmocka_unit_test_setup(error_lines_show_no_control_characters, clear),
        cmocka_unit_test_setup(a_long_value_is_cut_between_characters, clear),
        cmocka_unit_test_setup(healthcheck_is_an_action_that_sees_the_settings, clear),
        cmocka_unit_test_setup(version_is_printed_whatever_else_is_wrong, clear),
        cmocka_unit_test_setup(help_names_every_flag_its_variable_range_and_default, clear),
    };
    return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
