#!/usr/bin/env bash
# The camera's programs together, as services or as processes.
set -euo pipefail

# shellcheck source=scripts/lib/services.sh
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/lib/services.sh"

usage() {
    cat <<'TEXT'
usage: run_production.sh {start|stop|restart|status|logs}

The camera: the agent and, with AGENT_SENDER=separate, its sender. (run_production_extended.sh also
minds the server, where one belongs to this machine.)
  start         returns when they are ready
  stop          finishes the frame in hand; what waits is sent after the next start
  restart
  status        exit code 3 where one does not run, or ended by itself within the last minute
  logs [-f] [LINES]  the end of their logs; -f goes on
TEXT
}

programs=()
case "${1:-}" in
start | stop | restart | status)
    find_services programs "$1"
    act_on "$1" "${programs[@]}"
    ;;
logs)
    find_services programs "$1"
    show_logs "${programs[@]}" -- "${@:2}"
    ;;
-h | --help) usage ;;
*) refuse_argument "${1:-(none)}" ;;
esac
