#!/usr/bin/env bash
# Every program of this machine together, as services or as processes.
set -euo pipefail

# shellcheck source=scripts/lib/services.sh
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/lib/services.sh"

usage() {
    cat <<'TEXT'
usage: run_production_extended.sh {start|stop|restart|restart-websocket|status|logs}

Agent, sender (with AGENT_SENDER=separate) and server. A server belongs to this machine where it was
installed so, or, in a checkout, where WEBSOCKET_SERVER_URL points to this machine.
  start              returns when they are ready
  stop, restart
  restart-websocket  server and sender; the camera goes on watching
  status             exit code 3 where one does not run, or ended by itself within the last minute
  logs [-f] [LINES]  the end of their logs; -f goes on
TEXT
}

restart_websocket() {
    local programs=()
    ! has_server || programs+=(server)
    if has_own_sender; then
        programs+=(sender)
    else
        say "AGENT_SENDER=embedded: the agent's sender connects again by itself"
    fi
    ((!${#programs[@]})) || act_on restart "${programs[@]}"
}

programs=()
case "${1:-}" in
start | stop | restart | status)
    find_services programs "$1" with-server
    act_on "$1" "${programs[@]}"
    ;;
restart-websocket) restart_websocket ;;
logs)
    find_services programs "$1" with-server
    show_logs "${programs[@]}" -- "${@:2}"
    ;;
-h | --help) usage ;;
*) refuse_argument "${1:-(none)}" ;;
esac
