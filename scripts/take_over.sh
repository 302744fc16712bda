#!/usr/bin/env bash
# Takes over an installation of the older system where it lies, or gives it back.
#
# Nothing is moved: the older folder becomes the data folder of the new services, its .env.production
# stays as it is, and the agent adopts the database at its first start (tables and columns are only
# added, so that the older programs can go on with it after --undo).
set -euo pipefail

# shellcheck source=scripts/lib/installation.sh
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/lib/installation.sh"
# shellcheck source=scripts/lib/backup.sh
source "$code_dir/scripts/lib/backup.sh"
# shellcheck source=scripts/lib/older_system.sh
source "$code_dir/scripts/lib/older_system.sh"

usage() {
    cat <<'TEXT'
usage: take_over.sh [OPTION]... OLDER_FOLDER
       take_over.sh --undo [--restore-database] OLDER_FOLDER

Run as root, from a checkout. Stops the older system's units, keeps a backup of its databases,
settings and pictures in OLDER_FOLDER/before-sightpost and of its units in /var/backups/sightpost,
and installs the services there (install_all_services.sh --data OLDER_FOLDER) under the account that
owns the folder.
  --allow-plaintext       the server's address is ws:// beyond this machine and is to stay so: inside
                          a VPN, or to an older server (UPLINK_ALLOW_PLAINTEXT=true)
  --classic-networks LIST the networks of old cameras that send to the server on this machine
                          (SERVER_HOST=0.0.0.0 and SERVER_CLASSIC_NETWORKS=LIST)
  --without-pictures      no backup of the pictures. It is made of hard links, so it takes no room
                          at first; but pictures given up later free none until it is deleted
  --nginx, --no-start, --root FOLDER   as install_all_services.sh has them
  --dry-run               say what would be done, and do nothing
  --undo                  remove the services, bring the older units back; the database stays as it is
                          now, with the rows since, which the older sender can send
  --restore-database      with --undo: the databases as they were, the present ones kept beside them
TEXT
}

older="" root="" dry_run=false action=take_over allow_plaintext=false networks="" with_pictures=true
restore=false start=true install_options=() prepared=""
while (($#)); do
    case "$1" in
    --allow-plaintext) allow_plaintext=true ;;
    --classic-networks | --root)
        (($# > 1)) || fail "$1 needs a value; see --help"
        [[ "$1" == --root ]] && root="$2" || networks="$2"
        shift
        ;;
    --without-pictures) with_pictures=false ;;
    --nginx) install_options+=("$1") ;;
    --no-start)
        start=false
        install_options+=("$1")
        ;;
    --dry-run) dry_run=true ;;
    --undo) action=undo ;;
    --restore-database) restore=true ;;
    -h | --help)
        usage
        exit 0
        ;;
    -*) refuse_argument "$1" ;;
    *)
        [[ -z "$older" ]] || refuse_argument "$1"
        older="$1"
        ;;
    esac
    shift
done
[[ -n "$older" ]] || refuse_argument "(no folder)"
[[ "$older" == /* && -d "$root$older" ]] || fail "$root$older is no folder: name the older system's by its full path"
older="${older%/}"
[[ -n "$root" ]] || $dry_run || ((EUID == 0)) || fail "run this as root: sudo $0"

# From here on, settings are those of the older folder.
data_dir="$root$older"
kept="$data_dir/before-sightpost"
units="$root/etc/systemd/system"
kept_units="$root/var/backups/sightpost/units-of${older//\//-}"
[[ -z "$root" ]] || install_options+=(--root "$root")

# The older system's settings are read by the release that is installed later, unless this checkout
# has an environment of its own already.
prepare() {
    $dry_run || environment_has runtime || is_installed || {
        prepared="$("$code_dir/scripts/install_all_services.sh" --prepare ${root:+--root "$root"})" || exit 1
        environment_python="$prepared/.venv/bin/python"
    }
}

# The services get the account of the folder's owner, so that files can stay as they are.
owner() {
    local name
    name="$(awk -F : -v id="$(stat --format %u -- "$data_dir")" '$3 == id { print $1; exit }' "$root/etc/passwd")"
    [[ -n "$name" && "$name" != root ]] && echo "$name" || echo sightpost
}

take_over() {
    local roles=()
    prepare
    [[ ! -e "$kept" ]] || fail "$data_dir was taken over already: $kept is there (--undo gives it back; install_all_services.sh upgrades)"
    find_databases
    [[ -z "$camera_database" ]] || check_inside "$camera_database" DB_PATH
    find_older_server_database
    [[ -z "$camera_database" ]] || roles+=(agent)
    [[ -z "$server_database" ]] || roles+=(server)
    check_address
    check_room
    find_older_units
    say "found: ${camera_database:-no camera}, ${server_database:-no server}, units: ${older_units[*]:-none}"
    stop_older_units
    check_unused "$camera_database" "$server_database"
    hand_over
    keep_everything
    add_settings
    change "$code_dir/scripts/install_all_services.sh" --data "$older" --user "$(owner)" \
        --roles "$(IFS=,; echo "${roles[*]}")" ${install_options[@]+"${install_options[@]}"}
    ! $dry_run || return 0
    say "taken over. Everything as it was is in $kept and $kept_units: delete them when you are content, or give it back with: take_over.sh --undo $older"
}

undo() {
    [[ -d "$kept" ]] || fail "$data_dir was not taken over: there is no $kept"
    # By an attempt that was cut off, or by hand, the services may be gone already.
    [[ ! -e "$root/opt/sightpost" ]] ||
        change "$code_dir/scripts/install_all_services.sh" --uninstall ${install_options[@]+"${install_options[@]}"}
    ! $restore || restore_databases
    restore_settings
    restore_scripts
    start_older_units
    change as_data_owner mv --no-target-directory -- "$kept" "$kept.undone-$(date --utc +%Y%m%dT%H%M%SZ)"
    say "given back: $data_dir is the older system's again"
}

"$action"
