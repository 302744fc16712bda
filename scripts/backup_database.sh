#!/usr/bin/env bash
# Copies the databases of this installation while the programs run.
set -euo pipefail

# shellcheck source=scripts/lib/installation.sh
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/lib/installation.sh"
# shellcheck source=scripts/lib/backup.sh
source "$code_dir/scripts/lib/backup.sh"

usage() {
    cat <<'TEXT'
usage: backup_database.sh [--to FOLDER] [--keep NUMBER] [--with-pictures]

Copies the databases that are here, the camera's and the server's, each as it is at one moment, and
checks the copies. The programs go on meanwhile.
  --to FOLDER      where the copies go; default backups/ in the data folder
  --keep NUMBER    delete older copies of the same database beyond so many; default: keep all
  --with-pictures  the pictures too; those that are there already are not copied again
To put a copy back: stop the programs, move the database away with the files whose names begin so
(-wal, -shm), copy the backup to its place, start. docs/operations.md says what the server then does.
TEXT
}

target="" keep="" with_pictures=false
while (($#)); do
    case "$1" in
    --to | --keep)
        (($# > 1)) || fail "$1 needs a value; see --help"
        [[ "$1" == --to ]] && target="$2" || keep="$2"
        shift
        ;;
    --with-pictures) with_pictures=true ;;
    -h | --help)
        usage
        exit 0
        ;;
    *) refuse_argument "$1" ;;
    esac
    shift
done
[[ "$keep" =~ ^([1-9][0-9]*)?$ ]] || fail "--keep $keep: expected a number from 1"

target="$(realpath --canonicalize-missing --no-symlinks -- "${target:-$data_dir/backups}")"
back_up_databases "$target"
[[ -z "$keep" ]] || drop_old_backups "$target" "$keep"
! $with_pictures || back_up_pictures "$target"
