# shellcheck shell=bash
# Installs the Debian packages named in scripts/system-packages.txt that are not there yet.
# Sourced after environment.sh, whose say and fail it uses.

# install_system_packages FILE: exits 1 with a sentence where it cannot.
install_system_packages() {
    local name _ missing=() as_root=()
    while read -r name _; do
        [[ -z "$name" || "$name" == \#* ]] && continue
        [[ "$(dpkg-query --show --showformat '${db:Status-Status}' "$name" 2>/dev/null)" == installed ]] ||
            missing+=("$name")
    done <"$1"
    if ! ((${#missing[@]})); then
        say "all system packages of $(basename -- "$1") are there"
        return
    fi
    command -v apt-get >/dev/null ||
        fail "--with-system installs Debian packages and apt-get is missing here; install the equivalents of ${missing[*]} yourself and leave the option out"
    if ((EUID != 0)); then
        command -v sudo >/dev/null || fail "installing ${missing[*]} needs root; run as root: apt-get install ${missing[*]}"
        as_root=(sudo)
    fi
    say "installing system packages: ${missing[*]}"
    apt_get() { ${as_root[@]+"${as_root[@]}"} env DEBIAN_FRONTEND=noninteractive apt-get --quiet "$@" >&2; }
    apt_get update || fail "apt-get update failed (see above); check the network and run this again"
    apt_get install --yes --no-install-recommends "${missing[@]}" ||
        fail "apt-get could not install ${missing[*]} (see above); try: sudo apt-get --fix-broken install"
}
