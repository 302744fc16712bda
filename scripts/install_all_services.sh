#!/usr/bin/env bash
# Installs Sightpost on this machine as services, upgrades it, or removes it.
#
# Code goes to /opt/sightpost/releases/NAME with an environment of its own, and the link
# /opt/sightpost/current says which one runs. A new release is complete before the old one is
# stopped, and when it does not start the old one comes back. Data stay where they are.
set -euo pipefail

# shellcheck source=scripts/lib/installation.sh
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/lib/installation.sh"
# shellcheck source=scripts/lib/releases.sh
source "$code_dir/scripts/lib/releases.sh"
# shellcheck source=scripts/lib/units.sh
source "$code_dir/scripts/lib/units.sh"

usage() {
    cat <<'TEXT'
usage: install_all_services.sh [OPTION]...

Run as root, from a checkout. Run again to upgrade, or with other options to change something;
data and settings are kept.
  --roles LIST    what this machine does, of agent, sender, server; default: what it did before, or
                  agent,server (sender: the sender as a service of its own, AGENT_SENDER=separate)
  --data FOLDER   databases, pictures, logs and .env.production; default /var/lib/sightpost
  --user NAME     whose the services are; made if missing; default sightpost
  --nginx         the pages on port 80, through nginx
  --no-start      install, but start nothing
  --prepare       only make the new release with its environment, and print its folder
  --dry-run       say what would be done, and do nothing
  --root FOLDER   install below that folder (an image of a machine), start nothing
  --uninstall     stop and remove services and code; data, settings and user stay
  --purge         with --uninstall: the data folder and the user too
TEXT
}

roles="" user="" data="" root="" nginx=false start=true dry_run=false action=install purge=false

need_value() { # OPTION REMAINING
    (($2 > 1)) || fail "$1 needs a value; see --help"
}

while (($#)); do
    case "$1" in
    --roles | --data | --user | --root)
        need_value "$1" $#
        printf -v "${1#--}" '%s' "$2"
        shift
        ;;
    --nginx) nginx=true ;;
    --no-start) start=false ;;
    --dry-run) dry_run=true ;;
    --uninstall) action=uninstall ;;
    --prepare) action=prepare ;;
    --purge) purge=true ;;
    -h | --help)
        usage
        exit 0
        ;;
    *) refuse_argument "$1" ;;
    esac
    shift
done

opt="$root/opt/sightpost"
units="$root/etc/systemd/system"
current="$opt/current"

before_value() { # KEY: what an installation that is there already was told
    [[ ! -f "$current/.installation" ]] || sed -n "s/^$1=//p" -- "$current/.installation"
}

# That, unless told otherwise now.
remember() {
    roles="${roles:-$(before_value roles)}"
    data="${data:-$(before_value data)}"
    user="${user:-$(before_value user)}"
    [[ "$(before_value nginx)" != true ]] || nginx=true
    roles="${roles:-agent,server}"
    data="${data:-/var/lib/sightpost}"
    user="${user:-sightpost}"
}

check_given() {
    local role
    local -A seen=()
    [[ ",$roles," =~ ^,((agent|sender|server),)+$ ]] ||
        fail "--roles $roles: expected one or several of agent, sender, server, with commas"
    for role in ${roles//,/ }; do
        [[ -z "${seen[$role]:-}" ]] || fail "--roles $roles: $role stands there twice"
        seen[$role]=yes
    done
    [[ "$data" =~ ^/[A-Za-z0-9._/@+-]+$ ]] ||
        fail "--data $data: expected a full path of letters, digits and . _ - @ + only (unit files hold it)"
    [[ "$user" =~ ^[a-z_][a-z0-9_-]*$ ]] || fail "--user $user: expected the name of an account"
    [[ -z "$root" || -d "$root" ]] || fail "--root $root is no folder"
    [[ -n "$root" ]] || $dry_run || ((EUID == 0)) || fail "run this as root: sudo $0"
    if [[ -z "$root" && "$action" != uninstall ]] && ! $dry_run; then
        command -v systemctl >/dev/null ||
            fail "there is no systemd here: run the programs with run_production_extended.sh instead"
    fi
}

account_id() { # FIELD (3 user id, 4 group id): of the user, as the machine installed on knows it
    awk -F : -v name="$user" -v field="$1" '$1 == name { print $field }' "$root/etc/passwd"
}

make_account() {
    local group prefix=()
    [[ -z "$root" ]] || prefix=(--prefix "$root")
    if [[ -z "$(account_id 3)" ]]; then
        change useradd ${prefix[@]+"${prefix[@]}"} --system --user-group --no-create-home --home-dir "$data" \
            --shell /usr/sbin/nologin "$user"
    fi
    for group in video render; do # cameras and accelerators belong to these
        ! grep -q "^$group:" "$root/etc/group" || change usermod ${prefix[@]+"${prefix[@]}"} --append --groups "$group" "$user"
    done
}

group_name() { # the account's own group; of one that a dry run did not make, the one it would get
    local id
    id="$(account_id 4)"
    [[ -n "$id" ]] || {
        echo "$user"
        return
    }
    awk -F : -v id="$id" '$3 == id { print $1 }' "$root/etc/group"
}

# Only root can give files away; an image made by somebody else keeps theirs.
own() { # PATH [OWNER GROUP]
    ((EUID == 0)) || return 0
    local owner="${2:-$(account_id 3)}" group="${3:-$(account_id 4)}"
    # In a dry run the account may not be there yet: it gets a group of its name.
    change chown --no-dereference "${owner:-$user}:${group:-$user}" "$1"
}

# In the data folder with its owner's rights, who could lay links there that lead root elsewhere.
as_account() { # COMMAND...
    (
        cd -- "$root$data"
        ((EUID != 0)) || set -- setpriv --reuid "$(account_id 3)" --regid "$(account_id 4)" --clear-groups -- "$@"
        exec "$@"
    )
}

make_folders() {
    local folder
    change install -d -m 0750 "$root$data"
    own "$root$data"
    for folder in db captured_images log run; do
        [[ ! -e "$root$data/$folder" ]] || own "$root$data/$folder"
        change as_account install -d -m 0750 "$folder"
    done
    own_data
}

# Files of another account (an older system's, or of the --user before) are handed over; nobody
# beyond account and group reads any.
own_data() {
    local folder folders=()
    ((EUID == 0)) && ! $dry_run || return 0
    for folder in db captured_images log run; do
        folders+=("$root$data/$folder")
    done
    [[ -z "$(find "${folders[@]}" ! -user "$(account_id 3)" -print -quit)" ]] ||
        chown --recursive --no-dereference "$(account_id 3):$(account_id 4)" "${folders[@]}"
    as_account chmod --recursive o-rwx -- db captured_images log run
}

# Settings are root's to write and the services' to read.
make_settings() {
    local file="$root$data/.env.production" written
    if [[ ! -e "$file" ]]; then
        if $dry_run; then
            say "would write: $file"
            return
        fi
        # Complete before it comes into a folder whose owner could lay a link in its place.
        written="$(mktemp)"
        cat >"$written" <<'TEXT'
# Settings of this installation: KEY=VALUE lines. /opt/sightpost/current/.env.example lists every
# key with its default. After a change: run_production_extended.sh restart
TEXT
        [[ ",$roles," != *,sender,* ]] || echo "AGENT_SENDER=separate" >>"$written"
        chmod 0640 "$written"
        own "$written" 0
        mv --no-target-directory -- "$written" "$file"
    fi
}

prepare_everything() {
    make_release
    echo "$release"
}

# A setting that cannot be used is told before the new release takes over.
check_settings() {
    local sender
    ! $dry_run || return 0
    { sender="$(new_setting agent AGENT_SENDER)" && new_setting server SERVER_PORT >/dev/null; } ||
        fail "the settings in $root$data cannot be used (see above): mend them, then run this again; what runs goes on"
    if [[ ",$roles," == *,sender,* && "$sender" != separate ]]; then
        fail "--roles $roles: write AGENT_SENDER=separate into $root$data/.env.production first, so that the agent leaves the sending to it"
    fi
}

new_setting() { # PROGRAM KEY: as the new release reads it in the data folder
    (cd -- "$root$data" && PYTHONPATH="$release" PYTHONSAFEPATH=1 PYTHONDONTWRITEBYTECODE=1 \
        "$release/.venv/bin/python" -m "$1" settings "$2")
}

link_scripts() {
    local script name
    for script in "$code_dir"/scripts/{install_,run_,cleanup_,backup_,diagnostics}*.sh; do
        name="${script##*/}"
        change ln -sfn "/opt/sightpost/current/scripts/$name" "$root$data/$name"
    done
}

install_everything() {
    check_units
    make_account
    make_folders
    make_settings
    make_release
    check_settings
    install_units
    ! $nginx || install_nginx
    link_scripts
    write_installation
    ask_password
    switch_release
    remove_old_releases
    say_what_next
}

# The page's password, asked for once where a person is there to choose it. Without one the page
# lets in nobody from beyond this machine.
ask_password() {
    [[ ",$roles," == *,agent,* && -z "$root" && -t 0 && -t 2 ]] && ! $dry_run || return 0
    local database
    database="$(new_setting agent DB_PATH)" || return 0
    [[ "$database" == /* ]] || database="$data/$database"
    [[ ! -e "$database.password" ]] || return 0
    say "the password of the camera's page, for everybody beyond this machine (at least 8 characters):"
    (cd -- "$data" && PYTHONPATH="$release" PYTHONSAFEPATH=1 PYTHONDONTWRITEBYTECODE=1 \
        setpriv --reuid "$(account_id 3)" --regid "$(account_id 4)" --clear-groups \
        "$release/.venv/bin/python" -m agent password) ||
        say "no password was set: set one later with 'python -m agent password'"
}

say_what_next() {
    ! $dry_run || return 0
    say "installed: $roles, data in $data, settings in $data/.env.production"
    [[ ",$roles," != *,agent,* ]] || say "choose the camera there, for example AGENT_SOURCE=picamera:0"
    [[ ",$roles," != *,agent,* ]] || say "set the password of its page: python -m agent password (docs/operations.md)"
    say "look at it with: $data/run_production_extended.sh status"
}

uninstall_everything() {
    [[ -e "$opt" ]] || fail "nothing is installed below $opt"
    if $purge && [[ "$data" != "$(before_value data)" ]]; then
        fail "--purge removes the data of this installation only, and its data lie in $(before_value data)"
    fi
    if $purge && [[ -e "$root$data/before-sightpost" ]]; then
        fail "$data was taken over from an older system and is not purged: see take_over.sh --undo"
    fi
    remove_units
    remove_nginx
    change rm -rf -- "$opt"
    if $purge; then
        change rm -rf -- "$root$data"
        [[ -z "$(account_id 3)" || "$user" != sightpost ]] || remove_account
        say "removed, with $data"
    else
        local link
        for link in "$root$data"/*.sh; do
            [[ ! -L "$link" || "$(readlink -- "$link")" != /opt/sightpost/* ]] || change rm -- "$link"
        done
        say "removed; $data stays as it is"
    fi
}

remove_account() {
    local prefix=()
    [[ -z "$root" ]] || prefix=(--prefix "$root")
    change userdel ${prefix[@]+"${prefix[@]}"} "$user"
}

remember
check_given
"${action}_everything"
