# shellcheck shell=bash
# To be sourced. quietly <log> <command> [argument ...] runs a command, which may be a function, with all it says in the
# log. On a terminal its last line is shown meanwhile, and how long it has taken. What fails shows the whole log and ends
# the script: not by "if", which would go on behind what fails in a function.

# Is the line what install.sh says before sudo may ask for a password? What sudo writes then has to stay.
may_ask() {
    [[ $1 == "Installing "* ]] && [ "$(id -u)" -ne 0 ]
}

# The last line of the log, in one line of the terminal, until the script is gone.
show_progress() {
    local log=$1 began=$SECONDS columns line shown=''
    columns=$(stty size <&2 2> /dev/null | cut -d ' ' -f 2)
    [ "${columns:-0}" -ge 20 ] || columns=80
    while sleep 0.2 && kill -0 $$ 2> /dev/null; do
        line=$(tail -n 1 "$log" | tr -cd '[:print:]')
        if ! may_ask "$line"; then
            printf '\r\033[K%4d s  %s' $((SECONDS - began)) "${line:0:columns-9}" >&2
        elif [ "$line" != "$shown" ]; then
            printf '\r\033[K%s\n' "$line" >&2
        fi
        shown=$line
    done
}

end_progress() {
    if [ -n "$progress" ]; then
        kill "$progress" 2> /dev/null || true
        wait "$progress" 2> /dev/null || true
        progress=''
        printf '\r\033[K' >&2
    fi
}

quietly() {
    local log=$1
    shift
    : > "$log"
    progress=''
    if [ -t 2 ]; then
        show_progress "$log" &
        progress=$!
    fi
    # shellcheck disable=SC2064 # the log of now
    trap "end_progress; cat '$log' >&2" EXIT
    ("$@") > "$log" 2>&1
    trap - EXIT
    end_progress
}
