#!/bin/sh
# test_cli.sh - the command line as people use it, with sanitizers: every command, and every way to get it wrong.
# Needs RS_BUILD; runs on `cpu`, and on `emu` where it is built.  Expected results are the golden file of our own model and
# the statuses and messages that the commands promise.
cd "$(dirname "$0")/../.." || exit 1
build=${RS_BUILD:-build}
rs=$build/san/rowstation
model=models/fashion_resnet.tflite
RS_PLATFORM_PATH=$build:$build/shim
export RS_PLATFORM_PATH
ASAN_OPTIONS=${ASAN_OPTIONS:-abort_on_error=0}
export ASAN_OPTIONS
unset ROWSTATION_TARGET XCL_EMULATION_MODE
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
failures=0

# expect NAME STATUS TEXT COMMAND...: exit status, and TEXT (a basic regular expression; empty: anything) in what it printed.
expect() {
    name=$1 want=$2 text=$3
    shift 3
    timeout 120 "$@" >"$tmp/log" 2>&1 </dev/null
    got=$?
    if [ "$got" -eq "$want" ] && { [ -z "$text" ] || grep -q -e "$text" "$tmp/log"; } && ! grep -q 'Sanitizer' "$tmp/log"; then
        echo "PASS $name"
    else
        failures=$((failures + 1))
        echo "  $*"
        echo "  status $got, want $want; expected to read: $text"
        head -n 20 "$tmp/log" | sed 's/^/  | /'
        echo "FAIL $name"
    fi
}
# same NAME FILE FILE
same() {
    if cmp -s "$2" "$3"; then echo "PASS $1"; else echo "FAIL $1"; failures=$((failures + 1)); fi
}

size=$(wc -c <models/fashion_resnet.golden.i8)
head -c 784 /dev/zero | tr '\0' '\200' >"$tmp/black.i8"
head -c 784 "$model" >"$tmp/noise.i8"

# ---- usage ----
expect no_command_is_a_usage_error 2 'usage: rowstation run|plan' "$rs"
expect unknown_command_is_a_usage_error 2 "unknown command 'walk'" "$rs" walk
expect help_lists_the_commands 0 'rowstation compile MODEL' "$rs" help
expect version_prints 0 '^rowstation [0-9]' "$rs" --version
for c in run plan check bench info compile convert; do
    expect "${c}_names_an_unknown_option" 2 'unknown option --nonsense' "$rs" $c --nonsense
    expect "${c}_names_an_unknown_letter" 2 'unknown option -Z' "$rs" $c -Z
done
expect run_wants_a_model 2 'no MODEL' "$rs" run
expect run_wants_an_input 2 'no --input' "$rs" run "$model"
expect run_wants_values 2 'wants a value' "$rs" run "$model" --input
expect run_takes_one_model 2 'one MODEL' "$rs" run "$model" "$model" --input x
expect check_wants_an_input 2 'no --input' "$rs" check "$model"
expect compile_wants_an_output 2 'no -o FILE' "$rs" compile "$model"
expect convert_wants_an_output 2 'no -o FILE' "$rs" convert "$model"
expect bench_wants_a_sound_batch 2 'from 1 to 1024' "$rs" bench --gemm 1,2,3 --batch 0
expect bench_wants_layers 2 'no layers' "$rs" bench
expect bench_refuses_two_numbers 2 'M,N,K is expected' "$rs" bench --gemm 1,2

# ---- targets ----
for t in xyz 'cpu:default' 'emu:' 'emu:a/b' 'emu:default?latency' 'emu:default?latency=abc' 'emu:default?bogus=1' \
         'emu:default?cores=3' 'emu:default?base=1'; do
    expect "refuses_target_$t" 1 'rowstation run: .*\(target\|option\)' "$rs" run "$model" --target "$t" --input "$tmp/black.i8"
done
expect missing_preset_says_how_to_build_it 1 'librs_emu_nosuch.so.*make emu' "$rs" run "$model" --target emu:nosuch --input "$tmp/black.i8"
expect missing_preset_falls_back_if_asked 0 'FALLBACK' "$rs" run "$model" --target emu:nosuch --fallback --input "$tmp/black.i8"
expect bad_emulation_mode_is_named 1 'sw_emu or hw_emu' env XCL_EMULATION_MODE=hw "$rs" run "$model" --input "$tmp/black.i8"

# ---- files ----
expect missing_model 1 'No such file' "$rs" run nosuch.tflite --input "$tmp/black.i8"
expect folder_as_model 1 'directory' "$rs" run models --input "$tmp/black.i8"
: >"$tmp/empty.tflite"
head -c 1000 "$model" >"$tmp/cut.tflite"
head -c 30000 "$model" >"$tmp/cut2.tflite"
expect empty_model 1 'empty.tflite' "$rs" run "$tmp/empty.tflite" --input "$tmp/black.i8"
expect cut_model 1 'cut.tflite' "$rs" run "$tmp/cut.tflite" --input "$tmp/black.i8"
expect cut_model_in_the_middle 1 'cut2.tflite' "$rs" plan "$tmp/cut2.tflite"
truncate -s 3G "$tmp/large.tflite" 2>/dev/null || dd if=/dev/null of="$tmp/large.tflite" bs=1 seek=3221225472 2>/dev/null
expect oversized_model 1 'more than the 1073741824 allowed' "$rs" run "$tmp/large.tflite" --input "$tmp/black.i8"
expect oversized_input 1 'more than the 1073741824 allowed' "$rs" run "$model" --input "$tmp/large.tflite"
expect text_as_model 1 'Makefile' "$rs" plan Makefile
expect missing_input 1 'No such file' "$rs" run "$model" --input nosuch.i8
expect short_input 1 'has 784' "$rs" run "$model" --input "$tmp/cut.tflite"
expect missing_golden 1 'No such file' "$rs" check "$model" --input "$tmp/black.i8" --golden nosuch
expect golden_of_wrong_size 1 'output has' "$rs" check "$model" --input "$tmp/black.i8" --golden "$tmp/black.i8"
expect goldens_and_inputs_are_pairs 1 '2 inputs and 1 golden' "$rs" check "$model" --input "$tmp/black.i8" --input "$tmp/noise.i8" --golden "$tmp/black.i8"
: >"$tmp/file"
expect output_folder_that_is_a_file 1 'not a folder' "$rs" run "$model" --input "$tmp/black.i8" --output "$tmp/file"
expect output_folder_in_a_file 1 'Not a directory' "$rs" run "$model" --input "$tmp/black.i8" --output "$tmp/file/x"
expect json_that_cannot_be_written 1 'No such file' "$rs" run "$model" --input "$tmp/black.i8" --json "$tmp/no/x.json"
expect two_inputs_of_one_name 1 'two inputs are named' "$rs" run "$model" --input "$tmp/black.i8" "$tmp/black.i8" --output "$tmp/o"
expect wave_needs_sim 1 'no waveforms' "$rs" run "$model" --input "$tmp/black.i8" --wave "$tmp/w.fst"

# ---- .npy, IDX ----
npy() { # HEADER FILE DATA
    { printf '\223NUMPY\001\000'; printf "\\$(printf '%03o' ${#1})\\000"; printf '%s' "$1"; cat "$3"; } >"$2"
}
npy "{'descr': '|i1', 'fortran_order': False, 'shape': (1, 28, 28, 1), }" "$tmp/a.npy" "$tmp/noise.i8"
npy "{'descr': '|i1', 'fortran_order': False, 'shape': (28, 27), }" "$tmp/shape.npy" "$tmp/noise.i8"
npy "{'descr': '<f8', 'fortran_order': False, 'shape': (784,), }" "$tmp/type.npy" "$tmp/noise.i8"
npy "{'descr': '|i1', 'fortran_order': True, 'shape': (784,), }" "$tmp/order.npy" "$tmp/noise.i8"
npy "{'descr': '<f4', 'fortran_order': False, 'shape': (784,), }" "$tmp/short.npy" "$tmp/noise.i8"
npy "{'descr': '|i1', 'shape': (((" "$tmp/bad.npy" "$tmp/noise.i8"
head -c 3136 /dev/zero >"$tmp/zeros"
npy "{'descr': '<f4', 'fortran_order': False, 'shape': (28, 28), }" "$tmp/f.npy" "$tmp/zeros"
expect npy_int8_is_taken_as_it_is 0 'total' "$rs" run "$model" --input "$tmp/noise.i8" --output "$tmp/raw"
expect npy_int8_runs 0 'total' "$rs" run "$model" --input "$tmp/a.npy" --output "$tmp/npy"
same npy_int8_gives_the_same_codes "$tmp/raw/noise.out.i8" "$tmp/npy/a.out.i8"
expect npy_float_is_quantized 0 'total' "$rs" run "$model" --input "$tmp/f.npy" "$tmp/black.i8" --output "$tmp/npy"
same npy_float_zero_is_code_zero_point "$tmp/npy/f.out.i8" "$tmp/npy/black.out.i8"
expect npy_shape 1 '756 elements' "$rs" run "$model" --input "$tmp/shape.npy"
expect npy_type 1 'int8 .* or float32' "$rs" run "$model" --input "$tmp/type.npy"
expect npy_fortran_order 1 'Fortran' "$rs" run "$model" --input "$tmp/order.npy"
expect npy_short_data 1 '784 bytes of data' "$rs" run "$model" --input "$tmp/short.npy"
expect npy_bad_header 1 'expected in its header' "$rs" run "$model" --input "$tmp/bad.npy"
expect npy_that_is_none 1 'not a NumPy file' "$rs" run "$model" --input "$(cp "$model" "$tmp/no.npy" && echo "$tmp/no.npy")"
{ printf '\000\000\010\003\000\000\000\002\000\000\000\034\000\000\000\034'; head -c 1568 /dev/zero; } >"$tmp/images"
{ printf '\000\000\010\003\377\377\377\377\377\377\377\377\377\377\377\377'; head -c 100 /dev/zero; } >"$tmp/lies"
expect idx_items_run 0 'total' "$rs" run "$model" --input "idx:$tmp/images" --output "$tmp/idx"
same idx_zero_is_code_zero_point "$tmp/idx/0.out.i8" "$tmp/npy/black.out.i8"
expect idx_item_past_the_end 1 'within 0-1' "$rs" run "$model" --input "idx:$tmp/images#1-2"
expect idx_that_lies 1 'do not fit' "$rs" run "$model" --input "idx:$tmp/lies"
expect idx_that_is_none 1 'not an IDX file' "$rs" run "$model" --input "idx:$model"
cp "$model" "$tmp/no.png"
expect png_that_is_none 1 'no.png' "$rs" run "$model" --input "$tmp/no.png"

if command -v python3 >/dev/null 2>&1 && ! "$rs" run "$model" --input "$tmp/no.png" 2>&1 | grep -q 'built without libpng'; then
    png() { # FILE WIDTH HEIGHT: all black, 8-bit grey
        python3 -c '
import struct, sys, zlib
w, h = int(sys.argv[2]), int(sys.argv[3])
def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
open(sys.argv[1], "wb").write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, 8, 0, 0, 0, 0)) +
    chunk(b"IDAT", zlib.compress(bytes(h * (w + 1)))) + chunk(b"IEND", b""))' "$@"
    }
    png "$tmp/zero.png" 28 28
    png "$tmp/wide.png" 29 28
    head -c 60 "$tmp/zero.png" >"$tmp/cut.png"
    expect png_runs 0 'total' "$rs" run "$model" --input "$tmp/zero.png" --output "$tmp/png"
    same png_black_is_code_zero_point "$tmp/png/zero.out.i8" "$tmp/npy/black.out.i8"
    expect png_size 1 '29 x 28 pixels' "$rs" run "$model" --input "$tmp/wide.png"
    expect png_cut 1 'cut.png' "$rs" run "$model" --input "$tmp/cut.png"
else
    echo "SKIP png: python3 or libpng is not there"
fi

# ---- tables ----
cat >"$tmp/conv.csv" <<'END'
Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,,,Eh
,,,,,,,,,,
Conv1     ,12  ,12   ,3    ,3  ,5    ,7   ,  2 ,
 Conv2,8,8,1,1,16,16,1,,,7,

END
printf 'Layer,M,N,K,\r\nq k,5,6,7,\r\n' >"$tmp/gemm.csv"
cat >"$tmp/own.csv" <<'END'
# ours
type,name,C,H,W,M,R,S,stride,pad,groups,add,N,K
conv,padded,8,9,7,12,3,3,2,1,1,,
conv,residual,16,6,6,16,3,3,1,1,1,1
depthwise,dw,10,8,8,20,3,3,1,1
fc,dense,33,,,10
gemm,product,,,,6,,,,,,,4,9
maxpool,pool,9,8,8,,2,2,2
avgpool,mean,9,8,8,,8,8,1
add,sum,9,4,4
END
echo 'Layer,M,N,K' >"$tmp/none.csv"
printf 'Layer,M,N,K\na,1,x,3\n' >"$tmp/word.csv"
printf 'Layer,M,N,K\na,1,2\n' >"$tmp/columns.csv"
printf 'a,b,c\n1,2,3\n' >"$tmp/heading.csv"
printf 'name,type,C,H,W,M,R,S\nbig,conv,1,3,3,1,5,5\n' >"$tmp/big.csv"
for t in conv gemm own; do
    expect "bench_reads_${t}_tables" 0 ' 0 of them not good' "$rs" bench "$tmp/$t.csv"
done
expect bench_reads_networks 0 'resnet8/fc' "$rs" bench tests/workloads/resnet8.csv
expect plan_puts_attention_on_the_array 0 'network: 378391296 MACs, 378391296 on the array' "$rs" plan tests/workloads/vit_s_attention.csv
expect plan_reads_networks 0 'network: 12501632 MACs' "$rs" plan tests/workloads/resnet8.csv
expect bench_without_layers 1 'no layer in it' "$rs" bench "$tmp/none.csv"
expect bench_names_the_line 1 'word.csv line 2' "$rs" bench "$tmp/word.csv"
expect bench_counts_columns 1 '3 columns' "$rs" bench "$tmp/columns.csv"
expect bench_wants_a_heading 1 'no heading' "$rs" bench "$tmp/heading.csv"
expect bench_refuses_what_does_not_fit 1 'does not fit' "$rs" bench "$tmp/big.csv"
expect bench_refuses_a_binary 1 'not a text file' "$rs" bench "$model"
expect bench_gemm_and_conv 0 '2 layers' "$rs" bench --gemm 3,4,5 --conv 3,8,8,4,3,3,1,1
expect bench_writes_junit 0 'layers' "$rs" bench "$tmp/own.csv" --junit "$tmp/j.xml" --json "$tmp/b.json"
expect bench_junit_has_all_layers 0 'tests="8" failures="0"' cat "$tmp/j.xml"

# ---- a network on the CPU ----
expect plan_says_where_and_why 0 'no SOFTMAX' "$rs" plan "$model"
expect plan_prints_memory_beside_its_bound 0 "memory: activations 37632 B, 1.00 of the 37632 B" "$rs" plan "$model"
expect plan_json_has_reasons 0 '"reason"' "$rs" plan "$model" --json
expect plan_json_into_a_file 0 '' "$rs" plan "$model" --json "$tmp/plan.json"
expect plan_needs_an_array 1 'has no array' "$rs" plan "$model" --target cpu
expect cpu_runs_the_network 0 'total' "$rs" run "$model" --input "$tmp/noise.i8" --labels models/fashion_labels.txt --json "$tmp/run.json"
for key in target preset clock_mhz_assumed cycles macs utilization seconds_simulated cycles_per_second layers name op where stalls bytes; do
    expect "run_json_has_$key" 0 "\"$key\": " cat "$tmp/run.json"
done
expect check_cpu_against_itself 0 '1 of 1 equal' "$rs" check "$model" --input "$tmp/noise.i8" --golden "$tmp/raw/noise.out.i8" --against cpu
head -c $((size > 10 ? 10 : size)) /dev/zero >"$tmp/wrong.i8"
expect check_finds_a_wrong_golden 1 'golden 0' "$rs" check "$model" --input "$tmp/noise.i8" --golden "$tmp/wrong.i8"
expect info_self_test_on_cpu 0 'self-test passed' "$rs" info --target cpu --self-test
expect environment_names_the_target 1 'librs_emu_nosuch' env ROWSTATION_TARGET=emu:nosuch "$rs" info

# ---- on the array ----
if [ -f "$build/librs_emu_default.so" ]; then
    expect emu_self_test 0 'self-test passed' "$rs" info --target emu --self-test
    expect emu_runs_bit_exact 0 'Bit-exact' "$rs" run "$model" --target emu --input "$tmp/noise.i8" --verify --json "$tmp/emu.json"
    expect emu_by_alias_says_so 0 'XCL_EMULATION_MODE=sw_emu: using target emu' env XCL_EMULATION_MODE=sw_emu "$rs" info
    expect compile_keeps_the_plan 0 'bytes of filters' "$rs" compile "$model" -o "$tmp/m.rsm" --target emu:default
    expect compiled_model_runs_bit_exact 0 'total' "$rs" run "$tmp/m.rsm" --target emu --input "$tmp/noise.i8" --output "$tmp/compiled"
    same compiled_model_gives_the_same_codes "$tmp/raw/noise.out.i8" "$tmp/compiled/noise.out.i8"
    expect compiled_model_runs_on_cpu 0 'total' "$rs" run "$tmp/m.rsm" --target cpu --input "$tmp/noise.i8"
    [ ! -f "$build/librs_emu_small.so" ] ||
        expect compiled_model_wants_its_preset 1 "compiled for preset 'default'" "$rs" run "$tmp/m.rsm" --target emu:small --input "$tmp/noise.i8"
    head -c 5000 "$tmp/m.rsm" >"$tmp/m2.rsm"
    expect compiled_model_cut 1 'm2.rsm' "$rs" run "$tmp/m2.rsm" --target emu --input "$tmp/noise.i8"
    { cat "$tmp/m.rsm"; echo; } >"$tmp/m3.rsm"
    expect compiled_model_too_long 1 'm3.rsm' "$rs" run "$tmp/m3.rsm" --target emu --input "$tmp/noise.i8"
    expect bench_on_the_array 0 ' 0 of them not good' "$rs" bench "$tmp/own.csv" --target emu --json "$tmp/base.json"
    expect bench_equals_its_baseline 0 ' 0 of them not good' "$rs" bench "$tmp/own.csv" --target emu --baseline "$tmp/base.json"
    expect bench_sees_growth 1 'in the baseline' "$rs" bench "$tmp/own.csv" --target 'emu:default?latency=400' --baseline "$tmp/base.json"
    expect bus_error_has_its_address 1 'bus error .* on a read at address 0x4000000' "$rs" run "$model" --target 'emu:default?fault_read=0x4000000000' --input "$tmp/noise.i8"
    expect bus_error_falls_back_if_asked 0 'FALLBACK' "$rs" run "$model" --target 'emu:default?fault_read=0x4000000000' --fallback --verify --input "$tmp/noise.i8"
    expect a_hang_is_a_timeout 1 'no ap_done after' "$rs" run "$model" --target 'emu:hang?timeout=50000' --input "$tmp/noise.i8"
    expect check_agrees_layer_by_layer 0 '1 of 1 equal' "$rs" check "$model" --target emu --against cpu --input "$tmp/noise.i8" --golden "$tmp/raw/noise.out.i8"
    expect flipped_bit_is_found_in_the_first_layer 1 'first at layer 0, CONV_2D' "$rs" check "$model" --target emu:flip --input "$tmp/noise.i8"
    expect flipped_bit_has_accumulator_and_codes 1 'accumulator .* wanted' "$rs" check "$model" --target emu:flip --input "$tmp/noise.i8"
    expect flipped_bit_fails_the_self_test 1 'self-test failed' "$rs" info --target emu:flip --self-test
else
    echo "SKIP emulation: $build/librs_emu_default.so is not built"
fi
if [ -x "$build/rs_sim_tiny_trace" ] && [ -f "$build/librs_sim_tiny.so" ]; then
    expect wave_of_one_layer 0 'total' "$rs" run "$model" --target sim:tiny --input "$tmp/noise.i8" --wave "$tmp/w.fst:block3_dw"
    expect wave_was_written 0 '' test -s "$tmp/w.fst"
    expect wave_of_no_layer 1 "layer 'nosuch' did not run" "$rs" run "$model" --target sim:tiny --input "$tmp/noise.i8" --wave "$tmp/w2.fst:nosuch"
else
    echo "SKIP waves: no tracing simulator of preset tiny (make sim-wave)"
fi
exit $((failures != 0))
