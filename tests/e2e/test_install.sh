#!/bin/sh
# test_install.sh - what is built, installed into an empty folder; the example programs are built against that copy alone.
cd "$(dirname "$0")/../.." || exit 1
build=${RS_BUILD:-build}
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
prefix=$tmp/prefix
failures=0
unset RS_PLATFORM_PATH ROWSTATION_TARGET XCL_EMULATION_MODE

expect() { # NAME TEXT COMMAND...
    name=$1 text=$2
    shift 2
    if timeout 300 "$@" >"$tmp/log" 2>&1 </dev/null && { [ -z "$text" ] || grep -q -e "$text" "$tmp/log"; }; then
        echo "PASS $name"
    else
        failures=$((failures + 1))
        sed 's/^/  | /' "$tmp/log" | head -n 20
        echo "FAIL $name"
    fi
}
expect installs '' ${MAKE:-make} BUILD="$build" PREFIX="$prefix" install-built
if command -v pkg-config >/dev/null 2>&1; then
    flags=$(PKG_CONFIG_PATH=$prefix/lib/pkgconfig pkg-config --cflags --libs rowstation) || failures=$((failures + 1))
else
    flags="-I$prefix/include -L$prefix/lib -lrowstation"
    echo "SKIP pkg_config: pkg-config not found"
fi
for e in run_model raw_gemm in_flight; do
    cp host/examples/$e.c "$tmp"
    # shellcheck disable=SC2086
    (cd "$tmp" && expect "builds_$e" '' ${CC:-cc} -std=c11 -Wall -Wextra -Werror $e.c $flags -Wl,-rpath,"$prefix/lib" -o $e; exit $failures) ||
        failures=$((failures + 1))
done
head -c 784 models/fashion_resnet.tflite >"$tmp/x.i8"
cp models/fashion_resnet.tflite "$tmp"
cd "$tmp" || exit 1
targets=cpu
[ -f "$prefix/lib/rowstation/librs_emu_default.so" ] && targets="cpu emu"
for t in $targets; do
    expect "run_model_on_$t" "^$t.*class" env ROWSTATION_TARGET=$t ./run_model fashion_resnet.tflite x.i8
    expect "raw_gemm_on_$t" ' 0 of 168 codes wrong' env ROWSTATION_TARGET=$t ./raw_gemm
    expect "in_flight_on_$t" ' 0 different' env ROWSTATION_TARGET=$t ./in_flight fashion_resnet.tflite
    expect "installed_command_line_on_$t" 'total' "$prefix/bin/rowstation" run fashion_resnet.tflite --target $t --input x.i8
done
exit $((failures != 0))
