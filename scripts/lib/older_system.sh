# shellcheck shell=bash disable=SC2154
# What is known of the older system's installations: where their things lie, how they are kept and
# brought back. Sourced by take_over.sh, whose variables and change it uses.
# (SC2154: variables of take_over.sh.)

older_scripts=(run_websocket_server.sh run_websocket_sender.sh run_production.sh
    run_production_extended.sh install_all_services.sh cleanup_old_data.sh)

check_inside() { # PATH KEY
    [[ "$(realpath -m -- "$1")" == "$(realpath -m -- "$data_dir")"/* ]] ||
        fail "$2=$1 lies outside of $data_dir, the one folder that the services may write: move it there and correct $2 in .env.production"
}

# Its server kept websocket_server.db in the folder where it ran.
find_older_server_database() {
    [[ -z "$server_database" && -f "$data_dir/websocket_server.db" ]] || return 0
    server_database="$data_dir/websocket_server.db"
}

check_address() {
    local address
    [[ -n "$camera_database" ]] || return 0
    address="$(setting agent WEBSOCKET_SERVER_URL)" || exit 1
    [[ "$address" == ws://* && ! "$address" =~ ^ws://(localhost|127\.|\[::1\]) ]] || return 0
    [[ "$(setting agent UPLINK_ALLOW_PLAINTEXT)" != true ]] || return 0
    $allow_plaintext || fail "WEBSOCKET_SERVER_URL=$address sends plates readable to all on the way: give the server a certificate (docs/security.md) and write wss://, or say --allow-plaintext inside a VPN or for an older server"
}

# Copies of the databases, once here and once at their adoption, and some to go on.
check_room() {
    local needed_mb free_mb
    needed_mb="$(du --total --block-size=1M -- ${camera_database:+"$camera_database"} ${server_database:+"$server_database"} | tail -n 1 | cut -f 1)"
    needed_mb=$((2 * needed_mb + 1500))
    free_mb="$(df --output=avail --block-size=1M -- "$data_dir" | tail -n 1)"
    ((free_mb >= needed_mb)) || [[ -n "$root" ]] ||
        fail "backup, adoption and the new environment need about $needed_mb MB, and $((free_mb)) MB are free: make room first"
}

# Units that run anything out of the older folder, and those of its well-known names.
find_older_units() {
    local unit
    older_units=()
    for unit in "$units"/*.service; do
        [[ -f "$unit" ]] || continue
        is_our_unit "$unit" && continue
        grep -q -F -e "$older/" -e "=$older" -- "$unit" || [[ "${unit##*/}" == websocket-@(server|sender).service ]] || continue
        older_units+=("${unit##*/}")
    done
}

older_systemctl() {
    if [[ -n "$root" ]]; then
        change systemctl --root="$root" --quiet "$@"
    else
        change systemctl --quiet "$@"
    fi
}

stop_older_units() {
    local unit
    for unit in ${older_units[@]+"${older_units[@]}"}; do
        [[ -n "$root" ]] || change systemctl --quiet stop "$unit"
    done
}

# Another program that writes would have its rows missing in the backup.
check_unused() { # FILE...
    local file handle pid
    for file in "$@"; do
        [[ -n "$file" ]] || continue
        for handle in /proc/[0-9]*/fd/*; do
            [[ "$handle" -ef "$file" ]] || continue
            pid="${handle#/proc/}"
            fail "process ${pid%%/*} still uses $file: stop it, then run this again"
        done
    done
}

# The copy is whole under its name or not there, so that a run that was cut off starts anew. In the
# folder all is done with its owner's rights.
keep_everything() {
    local unit script file pictures partial="$kept.partial"
    if $dry_run; then
        say "would keep in $kept: databases, settings, older scripts$($with_pictures && echo ", pictures (hard links)"); in $kept_units: units"
        return
    fi
    keep_units
    as_data_owner rm -rf -- "$partial"
    make_backup_folder "$partial/scripts"
    for file in "$camera_database" "$server_database"; do
        [[ -z "$file" ]] || copy_database "$file" "$partial/${file##*/}" || exit 1
    done
    for file in .env .env.production; do
        [[ ! -f "$data_dir/$file" ]] || as_data_owner cp --preserve=all -- "$data_dir/$file" "$partial/$file"
    done
    pictures="$(setting_path agent AGENT_IMAGES_DIR)" || exit 1
    if $with_pictures && [[ -d "$pictures" ]]; then
        as_data_owner cp --archive --link -- "$pictures" "$partial/captured_images"
    fi
    as_data_owner mv --no-target-directory -- "$partial" "$kept"
    # The older names are links from now on; the units' files give way to ours.
    for script in "${older_scripts[@]}"; do
        [[ ! -f "$data_dir/$script" || -L "$data_dir/$script" ]] || as_data_owner mv -- "$data_dir/$script" "$kept/scripts/$script"
    done
    for unit in ${older_units[@]+"${older_units[@]}"}; do
        older_systemctl disable "$unit"
        rm -- "$units/$unit"
        rm -rf -- "$units/$unit.d" # what changed the older unit would change ours of that name
    done
}

# The older system may have run as root and left files that are root's: those that are kept and used
# are the account's from now on, as install_all_services.sh has it for its folders.
hand_over() {
    local name owner
    owner="$(master_of "$data_dir")"
    ((EUID == 0)) && ! $dry_run && [[ "$owner" != 0:* && "$owner" != 65534:* ]] || return 0
    for name in db captured_images websocket_server.db .env .env.production; do
        [[ ! -e "$data_dir/$name" ]] || chown --recursive --no-dereference "$owner" -- "$data_dir/$name"
    done
}

# Root starts what stands in units, so that they lie where nobody else can change them.
keep_units() {
    local unit
    install -d -m 0700 -- "${kept_units%/*}"
    rm -rf -- "$kept_units"
    mkdir -- "$kept_units"
    for unit in ${older_units[@]+"${older_units[@]}"}; do
        cp --preserve=all -- "$units/$unit" "$kept_units/$unit"
        [[ ! -d "$units/$unit.d" ]] || cp --archive -- "$units/$unit.d" "$kept_units/"
        ! older_is_enabled "$unit" || touch -- "$kept_units/$unit.enabled"
    done
}

older_is_enabled() { # UNIT
    systemctl ${root:+--root="$root"} --quiet is-enabled "$1" 2>/dev/null
}

# What the older file cannot say goes into .env, which ours reads before .env.production.
add_settings() {
    local lines=()
    ! $allow_plaintext || lines+=("UPLINK_ALLOW_PLAINTEXT=true")
    [[ -z "$networks" ]] || lines+=("SERVER_HOST=0.0.0.0" "SERVER_CLASSIC_NETWORKS=$networks")
    [[ "$server_database" != "$data_dir/websocket_server.db" ]] || lines+=("SERVER_DB_PATH=websocket_server.db")
    if [[ -n "$camera_database" && "$(setting agent AGENT_SOURCE)" == v4l2:/dev/video0 ]] && is_raspberry_pi; then
        lines+=("AGENT_SOURCE=picamera:0")
    fi
    ((${#lines[@]})) || return 0
    if $dry_run; then
        say "would add to $data_dir/.env: ${lines[*]}"
        return
    fi
    printf '%s\n' "# added by take_over.sh" "${lines[@]}" |
        as_data_owner bash -c 'cat >>.env && chmod 0640 .env' ||
        fail "$data_dir/.env cannot be written by the owner of $data_dir: give it to that account"
}

is_raspberry_pi() { grep -q -a 'Raspberry Pi' /proc/device-tree/model 2>/dev/null; }

restore_databases() {
    local file log name now
    now="$(date --utc +%Y%m%dT%H%M%SZ)"
    find_databases
    for file in "$camera_database" "$server_database"; do
        name="${file##*/}"
        [[ -n "$file" && -f "$kept/$name" ]] || continue
        # A program that was killed leaves rows in the log: it goes where its database goes.
        for log in -wal -shm; do
            [[ ! -e "$file$log" ]] || change as_data_owner mv -- "$file$log" "$file.of-sightpost-$now$log"
        done
        change as_data_owner mv -- "$file" "$file.of-sightpost-$now"
        change as_data_owner rm -f -- "$file.state"
        change as_data_owner cp --preserve=mode,timestamps -- "$kept/$name" "$file"
    done
}

restore_settings() {
    local file
    for file in .env .env.production; do
        if [[ -f "$kept/$file" ]]; then
            change as_data_owner cp --preserve=mode,timestamps --remove-destination -- "$kept/$file" "$data_dir/$file"
        elif [[ "$file" == .env ]]; then
            change as_data_owner rm -f -- "$data_dir/$file"
        fi
    done
}

restore_scripts() {
    local script
    for script in "$kept"/scripts/*.sh; do
        [[ ! -f "$script" ]] || change as_data_owner cp --preserve=mode,timestamps --remove-destination -- "$script" "$data_dir/${script##*/}"
    done
}

start_older_units() {
    local unit name
    for unit in "$kept_units"/*.service; do
        [[ -f "$unit" ]] || continue
        name="${unit##*/}"
        change cp --preserve=all -- "$unit" "$units/$name"
        [[ ! -d "$unit.d" ]] || change cp --archive -- "$unit.d" "$units/"
        [[ ! -e "$unit.enabled" ]] || older_systemctl enable "$name"
    done
    [[ -z "$root" ]] || return 0
    change systemctl daemon-reload
    for unit in "$kept_units"/*.enabled; do
        name="$(basename -- "$unit" .enabled)"
        [[ ! -e "$unit" ]] || ! $start || change systemctl --quiet start "$name"
    done
}
