#!/usr/bin/env bash
# Runs part of the tests on the processor of a Raspberry Pi, in an emulation of it.
#
# The packages' wheels for that processor are fetched here and installed there, without a network
# there and without a compiler anywhere.
set -euo pipefail

# shellcheck source=scripts/lib/environment.sh
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/lib/environment.sh"

usage() {
    cat <<'TEXT'
usage: test_aarch64.sh [--folder FOLDER] [--keep] [PYTEST ARGUMENT...]

Makes an arm64 Debian 12 in a folder, installs the pinned requirements there from wheels alone, runs
the tests of wire, outbox, uplink and ingest (or what pytest is given), and reads one picture. As
root, on Debian, with the packages debootstrap and qemu-user-static; about 2 GB; takes long: the
emulation is some twenty times slower than this machine.
  --folder FOLDER  where; default a temporary one
  --keep           leave the folder, so that the next run with --folder starts from it
TEXT
}

folder="" keep=false tests=()
while (($#)); do
    case "$1" in
    --folder)
        (($# > 1)) || fail "$1 needs a value; see --help"
        folder="$(realpath -m -- "$2")"
        shift
        ;;
    --keep) keep=true ;;
    -h | --help)
        usage
        exit 0
        ;;
    *) tests+=("$1") ;;
    esac
    shift
done
((${#tests[@]})) || tests=(tests/wire tests/agent/outbox tests/agent/uplink tests/server/ingest)

emulator=/usr/bin/qemu-aarch64-static
binfmt=/proc/sys/fs/binfmt_misc

check_tools() {
    ((EUID == 0)) || fail "run this as root: it makes a system in a folder"
    command -v debootstrap >/dev/null || fail "debootstrap is missing: apt-get install debootstrap"
    [[ -x "$emulator" ]] || fail "$emulator is missing: apt-get install qemu-user-static"
}

# Has the kernel start programs of that processor through the emulator, as binfmt-support does;
# for as long as this runs, where nobody had done so.
register_emulator() {
    [[ -e "$binfmt/register" ]] || mount -t binfmt_misc binfmt_misc "$binfmt" ||
        fail "binfmt_misc cannot be mounted here (a container without the right to?): without it the kernel does not start arm64 programs"
    [[ ! -e "$binfmt/qemu-aarch64" ]] || return 0
    # the first 20 bytes of an ELF file: 64 bit, little-endian, an executable or library, AArch64
    printf '%s' ':qemu-aarch64:M::\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00:\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff:'"$emulator"':OCF' >"$binfmt/register"
    registered=true
}

registered=false
clean_up() {
    local place
    for place in proc dev/shm dev/pts; do
        ! mountpoint --quiet "$root/$place" || umount "$root/$place"
    done
    ! $registered || echo -1 >"$binfmt/qemu-aarch64"
    $keep || rm -rf --one-file-system -- "$folder"
}

mirror() { # the one that this machine's own packages come from
    # shellcheck disable=SC2016 # apt's own variable
    apt-get indextargets --format '$(REPO_URI)' 2>/dev/null | sed -n '/security/!{p;q}'
}

inside() { # COMMAND...
    chroot "$root" /usr/bin/env -i PATH=/usr/local/bin:/usr/bin:/bin HOME=/root LANG=C.UTF-8 \
        PYTHONDONTWRITEBYTECODE=1 OMP_NUM_THREADS=1 "$@"
}

make_system() {
    [[ ! -e "$root/.made" ]] || return 0
    say "making an arm64 Debian 12 in $root"
    debootstrap --arch=arm64 --variant=minbase --include=python3,python3-venv bookworm "$root" "$(mirror)" >"$folder/debootstrap.log" ||
        fail "debootstrap failed; see $folder/debootstrap.log"
    touch -- "$root/.made"
}

enter_system() {
    mount -t proc proc "$root/proc"
    mount -t tmpfs tmpfs "$root/dev/shm"
    mount -t devpts devpts "$root/dev/pts"
}

# What the tests need beside the programs; not the tools for development.
test_requirements() {
    grep -E '^(pytest|pytest-asyncio|hypothesis|httpx)==' "$environment_root/requirements-dev.txt"
}

install_packages() {
    say "fetching the wheels"
    test_requirements >"$folder/tests.txt"
    python3 -m pip download --quiet --dest "$root/wheels" --only-binary=:all: --python-version 3.11 \
        --platform manylinux_2_36_aarch64 --platform manylinux_2_28_aarch64 --platform manylinux_2_27_aarch64 \
        --platform manylinux_2_17_aarch64 --platform manylinux2014_aarch64 \
        -r "$environment_root/requirements.txt" -r "$folder/tests.txt" ||
        fail "a pinned requirement has no wheel for this processor (see above)"
    [[ -x "$root/venv/bin/python" ]] || inside python3 -m venv /venv
    cp -- "$environment_root/requirements.txt" "$folder/tests.txt" "$root/wheels/"
    say "installing them"
    inside /venv/bin/python -m pip install --quiet --disable-pip-version-check --no-index \
        --find-links /wheels -r /wheels/requirements.txt -r /wheels/tests.txt
}

copy_code() {
    rm -rf -- "$root/code"
    mkdir -- "$root/code"
    (cd -- "$environment_root" && tar --exclude=__pycache__ --create agent server wire vision settings telemetry db \
        tests benchmarks scripts pyproject.toml) | tar --directory "$root/code" --no-same-owner --extract
}

run_tests() {
    say "running ${tests[*]}"
    inside /bin/sh -c 'cd /code && exec /venv/bin/python -m pytest -q -p no:cacheprovider "$@"' _ "${tests[@]}"
}

read_picture() {
    say "reading a picture"
    inside /bin/sh -c 'cd /code && /venv/bin/python -c "
from pathlib import Path
from tests.end_to_end.pictures import write_plate_pictures
Path(\"/picture\").mkdir(exist_ok=True)
print(\"drawn:\", *write_plate_pictures(Path(\"/picture\"), 1))" && exec /venv/bin/python -m agent read --json /picture'
}

check_tools
folder="${folder:-$(mktemp -d --tmpdir sightpost-aarch64-XXXXXX)}"
root="$folder/root"
mkdir -p -- "$root"
trap clean_up EXIT
register_emulator
make_system
enter_system
install_packages
copy_code
failed=()
run_tests || failed+=("the tests")
read_picture || failed+=("reading a picture (onnxruntime under this emulator? see docs/measurements.md)")
((!${#failed[@]})) || fail "failed: ${failed[*]}"
say "everything passed on $(inside uname -m)"
