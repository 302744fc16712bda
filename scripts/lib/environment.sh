# shellcheck shell=bash
# The virtual environment in .venv: made when missing, made anew when its requirements changed.
# Sourced by the programs beside this folder; never started by itself.
#
# A built environment carries a stamp for each list of requirements that it holds. Stamps are
# written last, so a build that was killed leaves none and is done again.

environment_root="$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)"
environment_dir="$environment_root/.venv"
environment_python="$environment_dir/bin/python"
# runtime plus development takes about 600 MB; pip unpacks beside it
environment_needs_mb=1000

say() { printf '%s\n' "sightpost: $*" >&2; }

fail() {
    say "$*"
    exit 1
}

# ensure_environment agent|runtime|dev: on return $environment_python runs with those requirements;
# runtime is both programs, dev that and the tools for development.
# Exits 1 with a sentence that names the remedy.
ensure_environment() {
    local wanted="$1" python
    environment_has "$wanted" && return
    [[ -w "$environment_root" ]] ||
        fail "cannot write to $environment_root, where the environment .venv goes; run this as its owner, or change it with: sudo chown -R \"\$USER\" '$environment_root'"
    if [[ -e "$environment_dir" && ! -e "$environment_dir/.sightpost" ]]; then
        fail "$environment_dir exists but was not made by these scripts; move it away first: mv '$environment_dir' '$environment_dir.mine'"
    fi
    python="$(find_python)" || exit 1
    (
        if ! flock --nonblock 9; then
            say "another run is building the environment; waiting for it"
            flock 9
        fi
        environment_has "$wanted" && exit 0
        build_environment "$wanted" "$python"
    ) 9>"$environment_root/.venv.lock" || exit 1
}

# environment_has agent|runtime|dev: whether it is there, works, lies where it was made and is up to date.
environment_has() {
    local stamp="$environment_dir/.sightpost/$1"
    [[ -f "$stamp" && "$(<"$stamp")" == "$(environment_stamp "$1")" ]] &&
        "$environment_python" -c '' 2>/dev/null
}

# The place counts: programs in .venv/bin name their interpreter by its full path. All kinds of
# runtime requirements count, so that a stamp does not depend on the interpreter found today.
environment_stamp() {
    {
        printf '%s\n' "$environment_root"
        cat -- "$environment_root"/requirements{,-agent,-server,-pi}.txt
        [[ "$1" != dev ]] || cat -- "$environment_root/requirements-dev.txt"
    } | sha256sum | cut -d ' ' -f 1
}

# Prints the interpreter to build with: $SIGHTPOST_PYTHON, else the system's python3 (it sees the
# system's picamera2), else a newer one beside it. A name that does not start counts as missing.
find_python() {
    local candidate version seen=()
    local candidates=(python3 python3.13 python3.12 python3.11)
    [[ -z "${SIGHTPOST_PYTHON:-}" ]] || candidates=("$SIGHTPOST_PYTHON")
    for candidate in "${candidates[@]}"; do
        version="$("$candidate" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)" || continue
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            check_venv_module "$candidate" "$version"
            command -v -- "$candidate"
            return
        fi
        seen+=("$candidate is $version")
    done
    if ((${#seen[@]})); then
        fail "Python 3.11 or newer is needed, but ${seen[*]}; install one (Debian 12 and later: sudo apt-get install python3 python3-venv) or name one: SIGHTPOST_PYTHON=/path/to/python3.12 $0"
    fi
    fail "no Python found (looked for ${candidates[*]}); install it: sudo apt-get install python3 python3-venv"
}

check_venv_module() { # PYTHON VERSION
    "$1" -c 'import ensurepip, venv' 2>/dev/null && return
    local package=python3-venv
    [[ "$1" == python3 ]] || package="python$2-venv"
    fail "$1 cannot make virtual environments; install what is missing: sudo apt-get install $package"
}

# What the system's picamera2 asks for: prints "none" where it is missing, otherwise the first
# number of the numpy version it was built against.
system_camera_numpy() { # PYTHON
    "$1" - <<'PYTHON' 2>/dev/null || echo none
from importlib.metadata import version
from importlib.util import find_spec

print(version("numpy").split(".")[0] if find_spec("picamera2") else "none")
PYTHON
}

build_environment() { # agent|runtime|dev PYTHON
    local wanted="$1" python="$2" options=() camera_numpy
    local agent=(requirements-agent.txt) runtime=(requirements.txt)
    camera_numpy="$(system_camera_numpy "$python")"
    if [[ "$camera_numpy" != none ]]; then
        options+=(--system-site-packages)
        if [[ "$camera_numpy" == 1 ]]; then
            agent=(requirements-pi.txt)
            runtime=(requirements-pi.txt requirements-server.txt)
        fi
    fi
    check_disk
    if ! environment_has agent; then
        [[ ! -e "$environment_dir" ]] ||
            say "the environment is unfinished or its requirements have changed; making it anew"
        say "making the environment .venv with $("$python" -V 2>&1) ($python)"
        rm -rf -- "$environment_dir"
        mkdir -p -- "$environment_dir/.sightpost"
        "$python" -m venv ${options[@]+"${options[@]}"} "$environment_dir" >&2 ||
            fail "making the environment failed (see above); check the disk with: df -h '$environment_root'"
    fi
    if [[ "$wanted" == agent ]]; then
        install_requirements "${agent[@]}"
    elif ! environment_has runtime; then
        install_requirements "${runtime[@]}"
        write_stamp runtime
    fi
    write_stamp agent
    if [[ "$wanted" == dev ]]; then
        install_requirements "${runtime[@]}" requirements-dev.txt
        write_stamp dev
    fi
    say "the environment is ready"
}

check_disk() {
    local free_mb
    free_mb="$(df --output=avail --block-size=1M -- "$environment_root" | tail -n 1)"
    ((free_mb >= environment_needs_mb)) ||
        fail "the environment needs about $environment_needs_mb MB and $environment_root has $((free_mb)) MB free; free some space (see: df -h '$environment_root')"
}

# Only wheels, so that nothing is ever compiled here. Of pip only errors are shown: its warnings are
# about the machine's own configuration of it.
install_requirements() { # FILE...
    local name arguments=() log="$environment_dir/.sightpost/pip.log" watching="" code=0
    # what development and tests load of it is compiled when it is loaded: a small part
    [[ "$wanted" != dev ]] || arguments+=(--no-compile)
    for name in "$@"; do
        arguments+=(-r "$environment_root/$name")
    done
    say "installing $* (about a minute; pip's own log is $log)"
    rm -f -- "$log"
    if [[ -t 2 ]]; then
        show_progress "$log" 9>&- &
        watching=$!
    fi
    "$environment_python" -m pip --disable-pip-version-check --log "$log" -qq install \
        --progress-bar off --only-binary=:all: "${arguments[@]}" >&2 || code=$?
    [[ -z "$watching" ]] || stop_progress "$watching"
    ((code == 0)) || fail "$(explain_pip_failure "$log")"
}

# On a terminal: what pip does now, by its log, for as long as this script runs.
show_progress() { # LOG
    local now
    while kill -0 "$$" 2>/dev/null; do
        now="$({ tail -n 200 -- "$1" | grep -o -E '(Collecting|Downloading|Installing) .*' | tail -n 1; } 2>/dev/null || true)"
        printf '\r\033[K%.78s' "$now" >&2
        sleep 0.5
    done
}

stop_progress() { # PROCESS
    kill "$1" 2>/dev/null || true
    wait "$1" 2>/dev/null || true
    printf '\r\033[K' >&2
}

# One sentence on why pip failed and what to do, from its log.
explain_pip_failure() { # LOG
    local log="$1"
    if grep -q -E 'No space left on device|Disk quota exceeded' -- "$log"; then
        echo "the disk is full; free about $environment_needs_mb MB (see: df -h '$environment_root' \"\${TMPDIR:-/tmp}\") and run this again"
    elif grep -q -E 'NewConnectionError|NameResolutionError|ConnectTimeout|ReadTimeout|ProxyError|SSLError|Network is unreachable|Connection (refused|reset)|connection failed' -- "$log"; then
        echo "the package index could not be reached; check the network (behind a proxy set HTTPS_PROXY, for an index of your own PIP_INDEX_URL) and run this again"
    elif grep -q -E 'No matching distribution found' -- "$log"; then
        echo "$(grep -o -m 1 -E 'No matching distribution found for .*' -- "$log"): there is no ready-made package for this Python on $(uname -m); use Python 3.11 to 3.13 on x86_64 or aarch64, for example: SIGHTPOST_PYTHON=python3.12 $0"
    else
        echo "pip failed; its last lines are above, everything is in $log. Run this again to start anew"
    fi
}

write_stamp() { # agent|runtime|dev
    local stamp="$environment_dir/.sightpost/$1"
    environment_stamp "$1" >"$stamp.new"
    mv -- "$stamp.new" "$stamp"
}
