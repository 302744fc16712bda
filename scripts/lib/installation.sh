# shellcheck shell=bash
# Where code, data and interpreter of this installation lie, and its settings as the programs read
# them. Sourced by the scripts for operators; never started by itself.
#
# A checkout keeps its data in its own folder. An installed release carries a file .installation
# with the lines data=FOLDER and roles=agent,server, written by install_all_services.sh.

# shellcheck source=scripts/lib/environment.sh
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/environment.sh"

code_dir="$environment_root"
installation_file="$code_dir/.installation"

installation_value() { # KEY: from .installation; nothing where it has none
    [[ -f "$installation_file" ]] || return 0
    sed -n "s/^$1=//p" -- "$installation_file"
}

data_dir="${SIGHTPOST_DATA:-$(installation_value data)}"
data_dir="${data_dir:-$code_dir}"

is_installed() { [[ -f "$installation_file" ]]; }

# Whether a unit file was put there by us; the older system's have the same names.
is_our_unit() { # FILE
    grep -q '^Documentation=file:///opt/sightpost/' -- "$1"
}

# Whether systemd runs this machine: "offline" is what it says in a container without it.
systemd_runs() {
    local state
    state="$(systemctl is-system-running 2>/dev/null || true)"
    [[ -n "$state" && "$state" != offline ]]
}

# Makes $environment_python usable: a checkout builds its environment, a release was built with one.
need_python() {
    [[ -z "${prepared:-}" ]] || return 0 # take_over.sh has made a release
    if is_installed; then
        [[ -x "$environment_python" ]] ||
            fail "$environment_python is missing: run $code_dir/scripts/install_all_services.sh again"
    else
        ensure_environment runtime
    fi
}

# Runs python in the data folder, where .env.production lies, with the programs on its path.
in_data() { # PYTHON ARGUMENT...
    need_python
    (cd -- "$data_dir" && PYTHONPATH="$code_dir" PYTHONSAFEPATH=1 exec "$environment_python" "$@")
}

# Reads settings through the program itself (a .env may hold spaces and quotes and is never
# sourced): setting agent DB_PATH prints the value. Several keys print a line each.
setting() { # PROGRAM KEY...
    local program="$1"
    shift
    in_data -m "$program" settings "$@"
}

# The absolute path of a setting that is a path.
setting_path() { # PROGRAM KEY
    local value
    value="$(setting "$1" "$2")" || return
    [[ "$value" == /* ]] || value="$data_dir/$value"
    printf '%s\n' "$value"
}

# Whose word counts at a place, as UID:GID: the first on the way to it, from / on and along each link,
# that is not root; of a folder of root's that others may write too, nobody in their group. They could
# lay links there that lead root elsewhere: what root does there is done with that account's rights.
# As master_of in db/rights.py, without an interpreter. A slash at the end says that the place
# is a folder, also where it is not there yet, and no file that others may surround.
master_of() { # FULL_PATH
    local here=/ rest="$1" user group mode links=0
    while read -r user group mode < <(stat --format '%u %g %f' -- "$here" 2>/dev/null); do
        mode=$((16#$mode))
        rest="${rest#"${rest%%[!/]*}"}"
        if ((user != 0)); then
            echo "$user:$group"
            return
        elif (((mode & 0170000) == 0120000)); then
            ((++links <= 40)) || break
            rest="$(readlink -- "$here")${rest:+/$rest}"
            [[ "$rest" == /* ]] && here=/ || here="${here%/*}"
            here="${here:-/}"
            continue
        elif (((mode & 0170000) == 0040000)) && others_in "$here" "$group" "$mode" "$rest"; then
            return
        fi
        [[ -n "$rest" ]] || break
        case "${rest%%/*}" in
        .) ;;
        ..)
            here="${here%/*}"
            here="${here:-/}"
            ;;
        *) here="${here%/}/${rest%%/*}" ;;
        esac
        [[ "$rest" == */* ]] && rest="${rest#*/}" || rest=""
    done
    echo 0:0
}

# Who but root may lay links in a folder of root's; fails where nobody may. Where it is sticky, as /tmp
# is, they cannot replace what is root's, so that only what lies in it directly is theirs to surround.
others_in() { # FOLDER GROUP MODE REST_OF_THE_WAY
    local next="${1%/}/$4"
    ((($3 & 01000) == 0)) || [[ -z "$4" || "$4" != */* && ! -L "$next" && ! -d "$next" ]] || return 1
    if (($3 & 0020 && $2 != 0)); then
        echo "65534:$2"
    elif (($3 & 0002)); then
        echo 65534:65534
    else
        return 1
    fi
}

as_master_of() { # FULL_PATH COMMAND...
    local owner
    owner="$(master_of "$1")"
    shift
    if ((EUID == 0)) && [[ "$owner" != 0:* ]]; then
        setpriv --reuid "${owner%:*}" --regid "${owner#*:}" --clear-groups -- "$@"
    else
        "$@"
    fi
}

# Runs a command in the data folder, with the rights of whom it belongs to.
as_data_owner() { # COMMAND...
    (cd -- "$data_dir" && as_master_of "$data_dir" "$@")
}

# As in_data, so, where that account can read the programs.
in_data_as_owner() { # PYTHON ARGUMENT...
    need_python
    if as_data_owner test -r "$code_dir/agent/__main__.py" -a -x "$environment_python"; then
        as_data_owner env PYTHONPATH="$code_dir" PYTHONSAFEPATH=1 "$environment_python" "$@"
    else
        in_data "$@"
    fi
}

# What a script does to the machine goes through here, so that with --dry-run it is only said.
dry_run=false
change() {
    if $dry_run; then
        say "would run: $*"
    else
        "$@"
    fi
}

# Exits with the usage text for an argument that a script does not know; its function usage is called.
refuse_argument() { # ARGUMENT
    usage >&2
    fail "unknown argument $1"
}
