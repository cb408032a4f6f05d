# area.awk - "@ MODULE" and Yosys' stat of it, for all modules of a design under core: a table by module, instances multiplied.
BEGIN {
    n_kinds = split("LUT LUTRAM FF DSP BRAM36 URAM", kind, " ")
    for (i = 1; i <= 6; i++)
        what["LUT" i] = "LUT"
    split("FDRE FDSE FDCE FDPE", name, " ")
    for (i in name)
        what[name[i]] = "FF"
    what["DSP48E1"] = what["DSP48E2"] = "DSP"
    what["RAMB18E1"] = what["RAMB18E2"] = what["RAMB36E1"] = what["RAMB36E2"] = "BRAM36"
    what["URAM288"] = "URAM"
    # LUTs that a memory takes
    lutram["RAM32M16"] = lutram["RAM64M8"] = 8
    lutram["RAM32M"] = lutram["RAM64M"] = lutram["RAM128X1D"] = 4
    lutram["RAM32X1D"] = lutram["RAM64X1D"] = lutram["RAM128X1S"] = 2
    lutram["RAM256X1S"] = 4
    lutram["RAM32X1S"] = lutram["RAM64X1S"] = lutram["SRL16E"] = lutram["SRLC32E"] = 1
}
$1 == "@" {
    m = $2
    modules[++n] = m
    known[m] = 1
}
NF == 2 && $1 != "@" && $2 ~ /^[0-9]+$/ {
    if ($1 in what)
        local[m, what[$1]] += $1 ~ /^RAMB18/ ? $2 / 2 : $2
    else if ($1 in lutram)
        local[m, "LUTRAM"] += lutram[$1] * $2
    else
        child[m, $1] = $2
}
# How often each module is there.
function count(m, times,    i) {
    instances[m] += times
    for (i = 1; i <= n; i++)
        if ((m, modules[i]) in child)
            count(modules[i], times * child[m, modules[i]])
}
END {
    count("core", 1)
    printf "| module | instances |"
    for (k = 1; k <= n_kinds; k++)
        printf " %s |", kind[k]
    printf "\n|---|---|"
    for (k = 1; k <= n_kinds; k++)
        printf "---|"
    printf "\n"
    for (i = 1; i <= n; i++) {
        if (!instances[modules[i]])
            continue
        printf "| %s | %d |", modules[i], instances[modules[i]]
        for (k = 1; k <= n_kinds; k++) {
            printf " %s |", local[modules[i], kind[k]] + 0
            sum[kind[k]] += instances[modules[i]] * local[modules[i], kind[k]]
        }
        printf "\n"
    }
    printf "| **core** with all | |"
    for (k = 1; k <= n_kinds; k++)
        printf " **%s** |", sum[kind[k]]
    printf "\n"
}
