# shellcheck shell=bash disable=SC2154
# Copies of this installation's databases and pictures. Sourced after installation.sh.
# (SC2154: variables of installation.sh.)

# Databases that are here: fills camera_database and server_database, empty where there is none.
find_databases() {
    camera_database="$(setting_path agent DB_PATH)" && server_database="$(setting_path server SERVER_DB_PATH)" || exit 1
    [[ -f "$camera_database" ]] || camera_database=""
    [[ -f "$server_database" ]] || server_database=""
    [[ -n "$camera_database$server_database" ]] ||
        fail "there is no database here yet: looked for DB_PATH and SERVER_DB_PATH in $data_dir"
}

# Backups belong to whom the data belong to, and are for nobody else to read.
make_backup_folder() { # FOLDER
    (umask 0027 && mkdir -p -- "$1") || fail "$1 cannot be made: run this as root, or name another folder"
    ((EUID != 0)) || chown --no-dereference --reference="$data_dir" -- "$1"
}

# Prints each copy's path on success; exits 1 where one fails.
back_up_databases() { # FOLDER
    local database copy
    find_databases
    make_backup_folder "$1"
    for database in "$camera_database" "$server_database"; do
        [[ -n "$database" ]] || continue
        copy="$1/$(basename -- "$database" .db)-$(date --utc +%Y%m%dT%H%M%SZ).db"
        in_data "$code_dir/scripts/online_backup.py" "$database" "$copy" || exit 1
        ((EUID != 0)) || chown --no-dereference --reference="$database" -- "$copy"
    done
}

drop_old_backups() { # FOLDER NUMBER
    local database old
    for database in "$camera_database" "$server_database"; do
        [[ -n "$database" ]] || continue
        while read -r -d '' old; do
            rm -- "$old"
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
        [[ ! -d "$folder" ]] || cp --archive --update -- "$folder" "$1/"
    fi
    [[ -n "$server_database" ]] || return 0
    for day in "$(dirname -- "$server_database")"/pictures/*.db; do
        [[ -f "$day" ]] || continue
        make_backup_folder "$1/pictures"
        copy="$1/pictures/$(basename -- "$day")"
        [[ ! "$copy" -nt "$day" || "$copy" -ot "$day-wal" ]] || continue
        rm -f -- "$copy"
        in_data "$code_dir/scripts/online_backup.py" "$day" "$copy" || exit 1
    done
}
