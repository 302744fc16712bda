#!/usr/bin/env bash
# The server, as a service or as a process.
set -euo pipefail

# shellcheck source=scripts/lib/services.sh
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/lib/services.sh"

usage() {
    cat <<'TEXT'
usage: run_websocket_server.sh {start|stop|restart|status|logs|test}

The server that takes the cameras' rows: the unit websocket-server where it is installed with
systemd, otherwise a process with a pid file in run/.
  start         returns when it takes rows
  stop          stores and answers first what was taken
  restart
  status        exit code 3 where it does not run, or ended by itself within the last minute
  logs [-f] [LINES]  the end of its log; -f goes on
  test          tries both of its ports from outside, and stores nothing
TEXT
}

case "${1:-}" in
start | stop | restart | status) act_on "$1" server ;;
logs) show_logs server -- "${@:2}" ;;
test) in_data -m server test ;;
-h | --help) usage ;;
*) refuse_argument "${1:-(none)}" ;;
esac
