# shellcheck shell=bash disable=SC2154
# Copies of this installation's databases and pictures. Sourced after installation.sh.
# (SC2154: variables of installation.sh.)

# Databases that are here: fills camera_database and server_database, empty where there is none, and
# server_postgres where the server's rows are in PostgreSQL (its address is not shown).
find_databases() {
    server_postgres="$(in_data -m server settings | sed -n 's/^SERVER_DATABASE_URL=//p')" || exit 1
    camera_database="$(setting_path agent DB_PATH)" && server_database="$(setting_path server SERVER_DB_PATH)" || exit 1
    [[ -f "$camera_database" ]] || camera_database=""
    [[ -f "$server_database" ]] || server_database=""
    [[ -n "$camera_database$server_database$server_postgres" ]] ||
        fail "there is no database here yet: looked for DB_PATH and SERVER_DB_PATH in $data_dir"
}

# Backups belong to whom their folder belongs to, and are for nobody else to read.
make_backup_folder() { # FULL_PATH
    # shellcheck disable=SC2016 # for another shell
    as_master_of "$1/" bash -c 'umask 0027 && mkdir -p -- "$1"' _ "$1" ||
        fail "$1 cannot be made: run this as root, or name another folder"
}

copy_database() { # DATABASE FULL_PATH_OF_THE_COPY
    local owner staging code=0
    owner="$(master_of "$data_dir")"
    if ((EUID != 0)) || [[ "$(master_of "${2%/*}")" == "$owner" ]]; then
        in_data "$code_dir/scripts/online_backup.py" --owner "$owner" "$1" "$2"
        return
    fi
    # The account cannot write there, and root opens no database of the account's.
    staging="$(as_data_owner mktemp --directory "$data_dir/.backup-XXXXXX")" || return
    in_data "$code_dir/scripts/online_backup.py" --owner "$owner" "$1" "$staging/copy" >/dev/null &&
        as_data_owner cat -- "$staging/copy" | as_master_of "$2" bash -c "$keep_stream" _ "$2" || code=$?
    as_data_owner rm -rf -- "$staging"
    ((code == 0)) && echo "SUCCESS $2"
}

# shellcheck disable=SC2016 # for another shell
keep_stream='set -euo pipefail; umask 0027; part="$(mktemp "${1%/*}/.copy-XXXXXX")"
    trap "rm -f -- \"\$part\"" EXIT
    cat >"$part"; [[ -s "$part" ]]; chmod 0640 "$part"; sync -- "$part"; mv --no-clobber --no-target-directory -- "$part" "$1"'

# Prints each copy's path on success; exits 1 where one fails.
back_up_databases() { # FOLDER
    local database copy
    find_databases
    make_backup_folder "$1"
    [[ -z "$server_postgres" ]] ||
        say "the server's rows are in PostgreSQL, which is not copied here: use pg_dump (docs/scaling.md)"
    for database in "$camera_database" "$server_database"; do
        [[ -n "$database" ]] || continue
        copy="$1/$(basename -- "$database" .db)-$(date --utc +%Y%m%dT%H%M%SZ).db"
        copy_database "$database" "$copy" || exit 1
    done
}

drop_old_backups() { # FOLDER NUMBER
    local database old
    for database in "$camera_database" "$server_database"; do
        [[ -n "$database" ]] || continue
        while read -r -d '' old; do
            as_master_of "$1" rm -- "$old"
            say "deleted $old"
        done < <(find "$1" -maxdepth 1 -type f -name "$(basename -- "$database" .db)-[0-9]*T[0-9]*Z.db" -print0 |
            LC_ALL=C sort --zero-terminated --reverse | tail --zero-terminated --lines "+$(($2 + 1))")
    done
}

# The camera's are files that never change; the server's are databases, of which the days before the
# newest never change.
back_up_pictures() { # FOLDER
    local folder day copy
    if [[ -n "$camera_database" ]]; then
        folder="$(setting_path agent AGENT_IMAGES_DIR)"
        [[ ! -d "$folder" ]] || as_master_of "$1" cp --archive --update -- "$folder" "$1/"
    fi
    [[ -n "$server_database" ]] || return 0
    for day in "$(dirname -- "$server_database")"/pictures/*.db; do
        [[ -f "$day" ]] || continue
        make_backup_folder "$1/pictures"
        copy="$1/pictures/$(basename -- "$day")"
        [[ ! "$copy" -nt "$day" || "$copy" -ot "$day-wal" ]] || continue
        as_master_of "$copy" rm -f -- "$copy"
        copy_database "$day" "$copy" || exit 1
    done
}
