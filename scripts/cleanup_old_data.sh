#!/usr/bin/env bash
# Gives up old data of this installation, now.
set -euo pipefail

# shellcheck source=scripts/lib/installation.sh
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/lib/installation.sh"
# shellcheck source=scripts/lib/backup.sh
source "$code_dir/scripts/lib/backup.sh"

usage() {
    cat <<'TEXT'
usage: cleanup_old_data.sh [--older-than DAYS] [--dry-run] [--no-backup]

Gives up old rows and their pictures, of the camera's database and of the server's, where they are
here or in PostgreSQL (SERVER_DATABASE_URL); the programs may run. On a camera only what the server
has acknowledged goes: a row that waits or was refused is never deleted, however old it is. (Both give
up old data by themselves too: AGENT_RETENTION_DAYS, SERVER_RETENTION_DAYS.)
  --older-than DAYS  default 30
  --dry-run          only say what would go
  --no-backup        do not copy the databases to backups/ first (the last two copies are kept);
                     PostgreSQL is never copied: that is pg_dump's work
TEXT
}

days=30 dry_run=false with_backup=true
while (($#)); do
    case "$1" in
    --older-than)
        (($# > 1)) || fail "$1 needs a value; see --help"
        days="${2%d}"
        shift
        ;;
    --dry-run) dry_run=true ;;
    --no-backup) with_backup=false ;;
    -h | --help)
        usage
        exit 0
        ;;
    *) refuse_argument "$1" ;;
    esac
    shift
done
[[ "$days" =~ ^[1-9][0-9]{0,4}$ ]] || fail "--older-than $days: expected a number of days from 1"

options=(--older-than "${days}d")
! $dry_run || options+=(--dry-run)
find_databases
if $with_backup && ! $dry_run; then
    back_up_databases "$data_dir/backups"
    drop_old_backups "$data_dir/backups" 2
fi
[[ -z "$camera_database" ]] || in_data_as_owner -m agent prune "${options[@]}"
[[ -z "$server_database$server_postgres" ]] || in_data_as_owner -m server prune "${options[@]}"
