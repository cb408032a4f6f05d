# ecp5.awk - nextpnr's log as one line of CSV, and the critical path by C source line in the file `path`.
#
# nextpnr names the Verilog line that a net comes from; hlsc wrote the C line behind it, or behind one above it.
function c_line(verilog, n,    f, i, line, found) {
    f = v "/" verilog
    for (i = 1; i <= n && (getline line < f) > 0; i++)
        if (match(line, /\/\/ [a-z0-9_]+\.[ch]:[0-9]+$/))
            found = substr(line, RSTART + 3, RLENGTH - 3)
    close(f)
    return found
}
/Device utilisation/ { counting = 1 }
counting && /TRELLIS_COMB:/ { comb = $3 + 0 }
counting && /TRELLIS_FF:/ { ff = $3 + 0 }
counting && /TRELLIS_RAMW:/ { ramw = $3 + 0 }
counting && /MULT18X18D:/ { mult = $3 + 0 }
counting && /DP16KD:/ { ram = $3 + 0 }
/Critical path report/ {                       # the last report is the one after routing
    reading = / for clock /
    if (reading) {
        steps = 0
        logic = routing = ""
    }
}
reading && / ns logic, / {
    logic = $2
    routing = $5
    reading = 0
}
reading && /^Info: *(clk-to-q|logic|routing|setup) / { at = $4 }
reading {
    for (i = 1; i <= NF; i++)
        if (index($i, v "/") == 1) {
            split(substr($i, length(v) + 2), part, ":")
            where = c_line(part[1], part[2] + 0)
            if (where != "" && (steps == 0 || where != step[steps])) {
                step[++steps] = where
                time[steps] = at
            }
        }
}
/Max frequency for clock/ { fmax = $(NF - 5) + 0 }
END {
    for (i = 1; i <= steps; i++) {
        printf "%s ns  %s\n", time[i], step[i] > path
        text = text (i > 1 ? " " : "") step[i]
    }
    if (status != 0)
        fmax = comb > 83640 || mult > 156 || ram > 208 ? "does not fit" : "not routed"
    printf "%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s\n", preset, module, fmax, logic, routing, comb, ff, ramw, mult, ram, text, yosys, nextpnr
}
