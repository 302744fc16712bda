#!/usr/bin/env bash
# Makes one archive that can be attached to a bug report.
set -euo pipefail

# shellcheck source=scripts/lib/installation.sh
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/lib/installation.sh"

usage() {
    cat <<'TEXT'
usage: diagnostics.sh [--to FOLDER] [--with-plates]

Collects versions, settings, the ends of the logs, health, counts of rows, units and what the kernel
said, into one archive. Tokens, passwords and keys are removed, from settings, logs and all else;
so are plates, unless --with-plates. No picture and no row goes in. Look into it before you send it.
  --to FOLDER    where the archive goes; default: here
  --with-plates  leave the plates in the logs
TEXT
}

folder="$PWD" options=()
while (($#)); do
    case "$1" in
    --to)
        (($# > 1)) || fail "$1 needs a value; see --help"
        folder="$2"
        shift
        ;;
    --with-plates) options+=(--with-plates) ;;
    -h | --help)
        usage
        exit 0
        ;;
    *) refuse_argument "$1" ;;
    esac
    shift
done

in_data "$code_dir/scripts/diagnostics.py" --to "$(realpath -- "$folder")" ${options[@]+"${options[@]}"}
