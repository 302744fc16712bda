# shellcheck shell=bash
# The three programs as services: through systemd where install_all_services.sh put them there,
# otherwise as processes with a pid file. Sourced by the run_*.sh scripts.

# shellcheck source=scripts/lib/installation.sh
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/installation.sh"

not_running=3 # as the Linux Standard Base has it for status
settled_s=60  # after an end by itself: until then nobody knows whether it will end again

uses_systemd() {
    is_installed && [[ -z "${SIGHTPOST_WITHOUT_SYSTEMD:-}" ]] && systemd_runs
}

unit_of() { # agent|sender|server
    case "$1" in
    agent) echo sightpost-agent.service ;;
    *) echo "websocket-$1.service" ;;
    esac
}

# What these scripts need of the agent's settings, asked for once: asking takes half a second. Fails
# where they cannot be read; what is wrong with them has been said then.
declare -A agent_setting=()
agent_settings_fail=false
try_agent_settings() {
    local keys=(AGENT_SENDER WEBSOCKET_SERVER_URL AGENT_LOG_FILE WEBSOCKET_LOG_FILE) values said at
    ((!${#agent_setting[@]})) || return 0
    ! $agent_settings_fail || return 1
    said="$(setting agent "${keys[@]}")" || {
        agent_settings_fail=true
        return 1
    }
    mapfile -t values <<<"$said"
    for at in "${!keys[@]}"; do
        agent_setting[${keys[at]}]="${values[at]}"
    done
}

read_agent_settings() {
    try_agent_settings || exit 1
}

log_of() { # agent|sender|server
    local path="" key=AGENT_LOG_FILE
    case "$1" in
    sender) key=WEBSOCKET_LOG_FILE ;;
    server) key=SERVER_LOG_FILE ;;
    esac
    if [[ "$1" == server ]]; then
        path="$(setting server "$key")" || path=""
    elif try_agent_settings; then
        path="${agent_setting[$key]}"
    fi
    if [[ -z "$path" ]]; then
        path="$(sed -n "s/^$key=//p" -- "$code_dir/.env.example")"
        say "$key cannot be read: its default is taken, $path"
    fi
    [[ "$path" == /* ]] || path="$data_dir/$path"
    printf '%s\n' "$path"
}

process() { # ACTION agent|sender|server [COMMAND...]
    local action="$1" name="$2"
    shift 2
    need_python
    PYTHONPATH="$code_dir" PYTHONSAFEPATH=1 "$environment_python" "$code_dir/scripts/service_process.py" \
        --name "$name" --folder "$data_dir" "$action" "$@"
}

start_process() { # agent|sender|server
    local command=(-m agent run --quiet)
    [[ "$1" != sender ]] || command=(-m agent send --quiet)
    [[ "$1" != server ]] || command=(-m server run --quiet)
    process start "$1" "$environment_python" "${command[@]}"
}

unit_status() { # UNIT: one line; 3 where it is not active, or has not settled after an end
    local state text="" restarts=0 since_us=0 key value up_s
    state="$(systemctl is-active "$1" || true)"
    while IFS='=' read -r key value; do
        case "$key" in
        StatusText) text="$value" ;;
        NRestarts) restarts="${value:-0}" ;;
        ActiveEnterTimestampMonotonic) since_us="${value:-0}" ;;
        esac
    done < <(systemctl show --property StatusText,NRestarts,ActiveEnterTimestampMonotonic "$1")
    ((!restarts)) || text+="${text:+, }started again $restarts times"
    echo "$1: $state${text:+, $text}"
    [[ "$state" == active ]] || return "$not_running"
    read -r up_s _ </proc/uptime
    ((!restarts || ${up_s%.*} - since_us / 1000000 >= settled_s)) || return "$not_running"
}

service() { # start|stop|restart|status agent|sender|server
    local action="$1" name="$2" unit
    if uses_systemd; then
        unit="$(unit_of "$name")"
        if [[ "$action" == status ]]; then
            unit_status "$unit"
            return
        fi
        systemctl "$action" "$unit" ||
            fail "systemctl $action $unit failed; see: journalctl --unit $unit --lines 30"
        # It is started, also where it has not settled yet.
        [[ "$action" == stop ]] || unit_status "$unit" || [[ "$(systemctl is-active "$unit")" == active ]]
        return
    fi
    case "$action" in
    start) start_process "$name" ;;
    restart)
        process stop "$name"
        start_process "$name"
        ;;
    *) process "$action" "$name" ;;
    esac
}

# Every one is tried, whatever became of the others; the worst exit code is the answer.
services() { # ACTION NAME...
    local action="$1" name code=0 worst=0
    shift
    for name in "$@"; do
        code=0
        (service "$action" "$name") || code=$?
        ((code <= worst)) || worst=$code
    done
    return "$worst"
}

show_logs() { # [-f] [LINES] of agent|sender|server...: show_logs NAME... -- [-f] [LINES]
    local names=() files=() options=() lines=50
    while [[ "$1" != -- ]]; do
        names+=("$1")
        shift
    done
    shift
    for argument in "$@"; do
        case "$argument" in
        -f) options+=(-F) ;;
        *[!0-9]* | '') refuse_argument "$argument" ;;
        *) lines="$argument" ;;
        esac
    done
    for name in "${names[@]}"; do
        files+=("$(log_of "$name")")
        # Where a supervisor notes what it started anew.
        uses_systemd || [[ ! -s "$data_dir/log/$name.start.log" ]] ||
            files+=("$data_dir/log/$name.start.log")
    done
    exec tail --lines "$lines" ${options[@]+"${options[@]}"} -- "${files[@]}"
}

# Whether a server belongs to this machine: as it was installed, else where the sender looks for it.
has_server() {
    if is_installed; then
        [[ ",$(installation_value roles)," == *,server,* ]]
    else
        read_agent_settings
        [[ "${agent_setting[WEBSOCKET_SERVER_URL]}" =~ ^wss?://(localhost|127\.|\[::1\]) ]]
    fi
}

has_own_sender() {
    read_agent_settings
    [[ "${agent_setting[AGENT_SENDER]}" == separate ]]
}

# Whether a program was installed or started here, whatever the settings say.
is_present() { # sender|server
    if is_installed && [[ ",$(installation_value roles)," == *,$1,* ]]; then
        return 0
    elif uses_systemd; then
        [[ "$(systemctl is-active "$(unit_of "$1")" || true)" != @(inactive|unknown) ]]
    else
        [[ -e "$data_dir/run/$1.pid" ]]
    fi
}

# The programs of this machine in the order of their start, into the array named. Where the settings
# cannot be read nothing is started; what is present can be stopped and looked at.
find_services() { # ARRAY ACTION [with-server]
    local -n found="$1"
    found=()
    if ! try_agent_settings; then
        [[ "$2" == @(stop|status|logs) ]] || exit 1
        [[ "${3:-}" != with-server ]] || ! is_present server || found+=(server)
        found+=(agent)
        ! is_present sender || found+=(sender)
        return
    fi
    [[ "${3:-}" != with-server ]] || ! has_server || found+=(server)
    found+=(agent)
    ! has_own_sender || found+=(sender)
}

reversed() { # WORD...
    local at
    for ((at = $#; at > 0; at--)); do
        printf '%s\n' "${!at}"
    done
}

# One of a script's own set of programs.
act_on() { # start|stop|restart|status NAME...
    local action="$1" backwards
    shift
    # With settings that the server cannot read nothing is started beside it, and nothing stopped that
    # would not come back.
    if [[ " $* " == *" server "* ]] && [[ "$action" == restart || "$action $#" == "start "[2-9] ]]; then
        setting server SERVER_LOG_FILE >/dev/null || exit 1
    fi
    [[ "$action" != stop ]] || {
        mapfile -t backwards < <(reversed "$@")
        set -- "${backwards[@]}"
    }
    services "$action" "$@"
}
