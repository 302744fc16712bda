# shellcheck shell=bash disable=SC2154
# Releases below /opt/sightpost: made complete with their environment, switched in one step, taken
# back when they do not start. Sourced by install_all_services.sh, whose variables and change, own
# it uses.
# (SC2154: variables of install_all_services.sh.)

# What of a checkout is installed; tests and benchmarks are not.
shipped=(agent server wire vision settings telemetry guarding db scripts systemd nginx docs
    requirements.txt requirements-agent.txt requirements-server.txt requirements-pi.txt pyproject.toml
    .env.example README.md README.th.md CHANGELOG.md LICENSE
    install_all_services.sh cleanup_old_data.sh run_production.sh run_production_extended.sh
    run_websocket_sender.sh run_websocket_server.sh)

shipped_files() { # prints the files, each ended by a NUL, in one order everywhere
    (cd -- "$code_dir" && find "${shipped[@]}" \( -name __pycache__ -o -name '*.pyc' \) -prune -o \( -type f -o -type l \) -print0 |
        LC_ALL=C sort --zero-terminated)
}

# The version and a digest of the content: the same code is the same release.
release_name() {
    local version digest
    version="$(sed -n 's/^version = "\(.*\)"/\1/p' "$code_dir/pyproject.toml")"
    digest="$(shipped_files | (cd -- "$code_dir" && xargs -0 sha256sum) | sha256sum | cut -c 1-12)"
    echo "$version-$digest"
}

make_release() {
    local partial
    release="$opt/releases/$(release_name)"
    [[ ! "$code_dir" -ef "$release" ]] || return 0
    if $dry_run; then
        say "would make: $release, with an environment of $environment_needs_mb MB at most"
        return
    fi
    if [[ ! -d "$release" ]]; then
        partial="$release.partial"
        rm -rf -- "$partial"
        mkdir -p -- "$partial"
        shipped_files | tar --directory "$code_dir" --null --no-recursion --files-from - --create --file - |
            tar --directory "$partial" --no-same-owner --extract --file -
        chmod -R u+rwX,go=rX -- "$partial"
        mv -- "$partial" "$release"
    fi
    build_release_environment
}

# A release knows where its data lie, also when a script is called through a link.
write_installation() {
    change write_lines "$release/.installation" "data=$data" "roles=$roles" "user=$user" "nginx=$nginx"
}

write_lines() { # FILE LINE...
    local file="$1"
    shift
    printf '%s\n' "$@" >"$file.new"
    chmod 0644 "$file.new"
    mv -- "$file.new" "$file"
}

# By the release's own lib/environment.sh: on a Pi with the system's picamera2 and HailoRT, and without
# the server's packages where no server runs.
build_release_environment() {
    local wanted=agent
    [[ ",$roles," != *,server,* ]] || wanted=runtime
    # shellcheck disable=SC2016 # expanded by the shell that it starts
    bash -c 'set -euo pipefail; source "$1"; ensure_environment "$2"' _ "$release/scripts/lib/environment.sh" "$wanted" ||
        fail "the new release could not be made (see above); what was installed before goes on unchanged"
    chmod -R go=u-w -- "$release/.venv"
    "$release/.venv/bin/python" -m compileall -q -j 0 "$release" -x '/\.venv/' >/dev/null ||
        fail "$release does not compile: is the checkout complete?"
}

# Points the link at the new release and starts it; back again where it does not start.
switch_release() {
    local before=""
    [[ ! -L "$current" ]] || before="$(readlink -- "$current")"
    point_current "releases/${release##*/}"
    [[ -z "$root" ]] && $start || return 0
    if ! start_units; then
        [[ -n "$before" && "$before" != "releases/${release##*/}" ]] || fail "the services did not start; see above"
        say "the new release did not start: going back to $before"
        point_current "$before"
        change rm -rf -- "$release"
        start_units || fail "the release before does not start either; see above"
        fail "the new release did not start and was taken back; see: journalctl --unit 'sightpost-*' --unit 'websocket-*'"
    fi
}

point_current() { # TARGET
    change ln -sfn -- "$1" "$current.new"
    change mv --no-target-directory -- "$current.new" "$current"
}

# The present one and the one before it stay.
remove_old_releases() {
    local old kept=0
    while read -r old; do
        [[ "$opt/releases/$old" -ef "$current" ]] && continue
        ((kept++ > 0)) || continue
        change rm -rf -- "$opt/releases/$old"
    done < <(find "$opt/releases" -mindepth 1 -maxdepth 1 -type d -printf '%T@ %f\n' 2>/dev/null | sort --reverse --numeric-sort | cut -d ' ' -f 2-)
}
