# pins.awk -v MODULE=core - from MODULE.v's port list: module `pins`, MODULE between shift registers, so that a module with hundreds of
# ports fits any package and every path of it lies between registers.
/^ *(input|output) / {
    dir = $1
    w = 1
    if (match($0, /\[[0-9]+:0\]/))
        w = substr($0, RSTART + 1, RLENGTH - 4) + 1
    sub(/ *\/\*.*\*\//, "")
    sub(/,? *$/, "")
    n = $NF
    if (n == "ap_clk")
        next
    if (dir == "input") {
        ports = ports sprintf(",\n        .%s(from[%d:%d])", n, ni + w - 1, ni)
        ni += w
    } else {
        ports = ports sprintf(",\n        .%s(to[%d:%d])", n, no + w - 1, no)
        no += w
    }
}
/^\);/ { exit }
END {
    printf "module pins (input wire ap_clk, input wire shift_in, input wire capture, output wire shift_out);\n"
    printf "    reg [%d:0] from;\n    reg [%d:0] held;\n    wire [%d:0] to;\n", ni - 1, no - 1, no - 1
    printf "    %s inside (\n        .ap_clk(ap_clk)%s\n    );\n", MODULE, ports
    printf "    always @(posedge ap_clk) begin\n        from <= {from[%d:0], shift_in};\n", ni - 2
    printf "        held <= capture ? to : {held[%d:0], from[%d]};\n    end\n", no - 2, ni - 1
    printf "    assign shift_out = held[%d];\nendmodule\n", no - 1
}
