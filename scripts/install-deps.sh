#!/bin/sh
# install-deps.sh - install the Debian 12 packages that `make build`, `make run` and `make test` need.
# Says nothing when none is missing.  As root, or through sudo without a password prompt, it installs
# what is missing; otherwise it lists it and stops.  `--list` prints the whole list.
set -eu
packages="gcc g++ make pkg-config verilator libsystemc-dev clang libclang-rt-dev libjson-c-dev libpng-dev zlib1g-dev
 dataset-fashion-mnist libdnnl-dev libxnnpack-dev libpthreadpool-dev libgemmlowp-dev gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user
 yosys iverilog python3 python3-numpy python3-venv libxrt1 libxrt-dev uuid-dev unzip tcl
 libprotobuf-c-dev protobuf-c-compiler libonnx-testdata"

if [ "${1-}" = --list ]; then
    echo $packages
    exit 0
fi
if ! command -v dpkg-query >/dev/null 2>&1 || ! command -v apt-get >/dev/null 2>&1; then
    echo "install-deps: not a Debian system; these packages (by their Debian 12 names) are expected to be there:" >&2
    echo "  "$packages >&2
    exit 0
fi
missing=
for package in $packages; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -eq 0 ]; then
    as_root=
elif command -v sudo >/dev/null 2>&1 && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
    as_root=sudo
else
    echo "install-deps: missing packages, and neither root nor sudo to install them:" >&2
    echo "  apt-get install$missing" >&2
    exit 1
fi
echo "install-deps: installing$missing"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { $as_root apt-get update &&
       $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing; } \
     >"$log" 2>&1 </dev/null; then
    tail -n 20 "$log" >&2
    echo "install-deps: installation failed; the packages wanted are:$missing" >&2
    exit 1
fi
