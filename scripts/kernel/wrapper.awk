# wrapper.awk - core.v -> rs.v: the kernel's top module, with the AXI signals that never change.
#
# Same ports as `core` under the kernel's name (package_xo wants them equal), and AxCACHE, AxPROT, AxLOCK, AxQOS, which
# HLS kernels have too: AxCACHE 0011, modifiable and bufferable, lets the interconnect merge and resize.
/^module core \(/ { inside = 1; next }
inside && /^\);/ { inside = 0; done = 1; exit }
inside {
    line = $0
    gsub(/,/, "", line)
    n = split(line, word, " ")
    name = word[n]
    direction = word[1]
    range = ""
    if (match(line, /\[[0-9]+:0\]/))
        range = substr(line, RSTART, RLENGTH) " "
    if (direction != "input" && direction != "output") {
        print "wrapper.awk: not a port: " $0 > "/dev/stderr"
        bad = 1
        exit 1
    }
    ports[++count] = direction " wire " range name
    names[count] = name
}
END {
    if (bad || !done) {
        if (!bad)
            print "wrapper.awk: no module core with ports in its input" > "/dev/stderr"
        exit 1
    }
    print "// " kernel ".v - made by scripts/kernel/wrapper.awk from core.v; do not edit."
    print "`default_nettype none"
    print "module " kernel " ("
    for (i = 1; i <= count; i++)
        print "    " ports[i] ","
    split("AW AR", channel, " ")
    for (c = 1; c <= 2; c++)
        print "    output wire [3:0] m_axi_gmem_" channel[c] "CACHE,\n    output wire [2:0] m_axi_gmem_" channel[c] "PROT,\n" \
              "    output wire [1:0] m_axi_gmem_" channel[c] "LOCK,\n    output wire [3:0] m_axi_gmem_" channel[c] "QOS" (c == 1 ? "," : "")
    print ");\n"
    for (c = 1; c <= 2; c++)
        print "    assign m_axi_gmem_" channel[c] "CACHE = 4'b0011;\n    assign m_axi_gmem_" channel[c] "PROT = 3'b000;\n" \
              "    assign m_axi_gmem_" channel[c] "LOCK = 2'b00;\n    assign m_axi_gmem_" channel[c] "QOS = 4'b0000;"
    print "\n    core core ("
    for (i = 1; i <= count; i++)
        print "        ." names[i] "(" names[i] ")" (i < count ? "," : "")
    print "    );\nendmodule\n`default_nettype wire"
}
