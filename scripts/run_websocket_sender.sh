#!/usr/bin/env bash
# The sender alone, as a service or as a process.
set -euo pipefail

# shellcheck source=scripts/lib/services.sh
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/lib/services.sh"

usage() {
    cat <<'TEXT'
usage: run_websocket_sender.sh {start|stop|restart|status|logs|test}

The sender alone, for AGENT_SENDER=separate: the unit websocket-sender where it is installed with
systemd, otherwise a process with a pid file in run/. With AGENT_SENDER=embedded the agent sends by
itself: none is started beside it.
  start, stop, restart
  status        exit code 3 where it does not run, or ended by itself within the last minute; of the
                agent, where that sends by itself
  logs [-f] [LINES]  the end of the sender's log, whoever sends; -f goes on
  test          tries whether the server lets this camera in, and sends nothing
TEXT
}

embedded="AGENT_SENDER=embedded: the agent sends by itself (run_production.sh start, status)"

case "${1:-}" in
start | restart)
    has_own_sender || fail "$embedded, no sender is started; for one of its own write AGENT_SENDER=separate"
    service "$1" sender
    ;;
status)
    if try_agent_settings && ! has_own_sender && ! is_present sender; then
        say "$embedded"
        service status agent
    else
        service status sender
    fi
    ;;
stop) service stop sender ;;
logs) show_logs sender -- "${@:2}" ;;
test) in_data -m agent send --test ;;
-h | --help) usage ;;
*) refuse_argument "${1:-(none)}" ;;
esac
