#!/usr/bin/env bash
# Runs part of the tests on the processor of a Raspberry Pi, in an emulation of it.
#
# The wheels for that processor are fetched and unpacked here and run there, without a network there
# and without a compiler anywhere.
set -euo pipefail

# shellcheck source=scripts/lib/environment.sh
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/lib/environment.sh"

usage() {
    cat <<'TEXT'
usage: test_aarch64.sh [--folder FOLDER] [--keep] [PYTEST ARGUMENT...]

Makes an arm64 Debian 12 in a folder, installs the pinned requirements there from wheels alone, runs
the tests of wire, outbox, uplink and ingest (or what pytest is given), and reads one picture. As
root, on Debian, with the packages debootstrap and qemu-user-static; about 2 GB. The system is there in
two minutes; its tests take an hour, for the emulation is some twenty times slower than this machine.
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
# Left out: tests of how long something may take, which no emulation keeps to; a server program alone
# needs longer to start there than they wait for it.
((${#tests[@]})) || tests=(
    tests/wire tests/agent/outbox tests/agent/uplink tests/server/ingest
    --deselect tests/wire/test_picture.py::test_hostile_file_costs_little
    --deselect tests/agent/outbox/test_store.py::test_two_processes_number_without_gaps
    --deselect tests/agent/uplink/test_patience.py::test_row_on_which_the_server_hangs_is_found_and_put_off
    --deselect tests/agent/uplink/test_sender.py::test_server_that_answers_pings_and_no_rows_is_left
    --deselect tests/agent/uplink/test_real_server.py
    --deselect tests/agent/uplink/test_restored_server.py
)

packages=usr/local/lib/python3.11/dist-packages # where programs find them that tests start
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
    for place in proc/cpuinfo proc dev/shm; do
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
        PYTHONPATH=/code PYTHONDONTWRITEBYTECODE=1 QEMU_CPU=cortex-a76 "$@"
}

# The files of its packages, without configuring them: that takes half an hour in the emulation, and
# an interpreter needs none of it.
make_system() {
    local package
    [[ ! -e "$root/.made" ]] || return 0
    say "making an arm64 Debian 12 in $root"
    debootstrap --arch=arm64 --foreign --variant=minbase --include=python3 bookworm "$root" "$(mirror)" >"$folder/debootstrap.log" ||
        fail "debootstrap failed; see $folder/debootstrap.log"
    for package in "$root"/var/cache/apt/archives/*.deb; do
        dpkg-deb --extract "$package" "$root"
    done
    touch -- "$root/.made"
}

# The emulator shows programs the processor of this machine, and the library "cpuinfo" inside
# onnxruntime crashes on it. So they see a Raspberry Pi 5: four Cortex-A76, r4p1.
imitate_processor() {
    local number place
    for number in 0 1 2 3; do
        printf '%s\n' "processor : $number" "CPU implementer : 0x41" "CPU architecture: 8" "CPU variant : 0x4" "CPU part : 0xd0b" "CPU revision : 1" \
            "Features : fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp" ""
        place="$root/sys/devices/system/cpu/cpu$number/topology"
        mkdir -p -- "$place"
        echo 0 >"$place/physical_package_id"
        echo "$number" >"$place/core_id"
        echo 0-3 >"$place/core_siblings_list"
        echo "$number" >"$place/thread_siblings_list"
    done >"$folder/cpuinfo"
    for place in possible present online; do
        echo 0-3 >"$root/sys/devices/system/cpu/$place"
    done
    mount --bind "$folder/cpuinfo" "$root/proc/cpuinfo"
}

enter_system() {
    echo "127.0.0.1 localhost" >"$root/etc/hosts" # the system was never configured
    mount -t proc proc "$root/proc"
    mount -t tmpfs tmpfs "$root/dev/shm"
    imitate_processor
}

# What the tests need beside the programs; not the tools for development.
test_requirements() {
    grep -E '^(pytest|pytest-asyncio|hypothesis|httpx|opentelemetry-sdk)==' "$environment_root/requirements-dev.txt"
}

# Unpacked by this machine's pip, which chooses the wheels for that one.
install_packages() {
    local options=(--quiet --only-binary=:all: --python-version 3.11 --platform manylinux2014_aarch64) minor
    for minor in {36..17}; do # whatever a wheel asks of glibc, up to the 2.36 that Debian 12 has
        options+=(--platform "manylinux_2_${minor}_aarch64")
    done
    say "installing the pinned packages from wheels"
    test_requirements >"$folder/tests.txt"
    rm -rf -- "${root:?}/$packages"
    python3 -m pip install "${options[@]}" --no-compile --target "$root/$packages" \
        -r "$environment_root/requirements.txt" -r "$folder/tests.txt" ||
        fail "a pinned requirement has no wheel for this processor (see above)"
}

copy_code() {
    rm -rf -- "$root/code"
    mkdir -- "$root/code"
    (cd -- "$environment_root" && tar --exclude=__pycache__ --create agent server wire vision settings telemetry guarding db \
        tests benchmarks scripts pyproject.toml) | tar --directory "$root/code" --no-same-owner --extract
}

run_tests() {
    say "running ${tests[*]}"
    inside /bin/sh -c 'cd /code && exec python3 -m pytest -q -p no:cacheprovider --durations=20 -o faulthandler_timeout=900 -p tests.slow_machine --hypothesis-profile=slow-machine "$@"' _ "${tests[@]}"
}

read_picture() {
    say "reading a picture"
    inside /bin/sh -c 'cd /code && python3 -c "
from pathlib import Path
from tests.end_to_end.pictures import write_plate_pictures
Path(\"/picture\").mkdir(exist_ok=True)
print(\"drawn:\", *write_plate_pictures(Path(\"/picture\"), 1))" && exec python3 -m agent read --json /picture'
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
read_picture || failed+=("reading a picture")
((!${#failed[@]})) || fail "failed: ${failed[*]}"
say "everything passed on $(inside uname -m)"
