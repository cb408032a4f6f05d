// parent.v - made by hlsc from parent.c; do not edit.
// Blocking assignments keep C's order, and only the block that makes them reads their results:
/* verilator lint_off BLKSEQ */
// C decides which bits of a value matter:
/* verilator lint_off UNUSEDSIGNAL */
// Names are C's, of fields that may be called like a module or like a word of C++:
/* verilator lint_off VARHIDDEN */
/* verilator lint_off SYMRSVDWORD */
`default_nettype none

module parent (
    input  wire ap_clk,
    input  wire rst,
    input  wire [2:0] w_valid,
    input  wire signed [7:0] w,
    input  wire x_valid,
    input  wire signed [15:0] x,
    output wire ready,
    output wire signed [31:0] sum,
    output wire [95:0] p
);

    // struct parent
    reg signed [15:0] r_x_0;  // parent.c:13
    reg signed [15:0] r_x_1;
    reg signed [15:0] r_x_2;
    reg r_valid_0;  // parent.c:12
    reg r_valid_1;
    reg r_valid_2;
    reg signed [31:0] r_sum;  // parent.c:21

    // locals
    reg signed [31:0] sum__2;  // parent.c:7
    reg pi_x_valid_0;  // parent.c:10
    reg pi_x_valid_1;
    reg pi_x_valid_2;
    reg signed [15:0] pi_x_0;
    reg signed [15:0] pi_x_1;
    reg signed [15:0] pi_x_2;

    // outputs of children
    wire r_pe_out_0_x_ready;  // parent.c:23
    wire r_pe_out_0_p_valid;
    wire signed [31:0] r_pe_out_0_p;
    wire r_pe_out_1_x_ready;
    wire r_pe_out_1_p_valid;
    wire signed [31:0] r_pe_out_1_p;
    wire r_pe_out_2_x_ready;
    wire r_pe_out_2_p_valid;
    wire signed [31:0] r_pe_out_2_p;

    pe pe_0 (
        .ap_clk(ap_clk),
        .rst(rst),
        .w_valid(w_valid[0]),
        .w(w),
        .x_valid(x_valid),
        .x(x),
        .p_ready(r_pe_out_0_p_valid),
        .x_ready(r_pe_out_0_x_ready),
        .p_valid(r_pe_out_0_p_valid),
        .p(r_pe_out_0_p)
    );

    pe pe_1 (
        .ap_clk(ap_clk),
        .rst(rst),
        .w_valid(w_valid[1]),
        .w(w),
        .x_valid(r_valid_0),
        .x(r_x_0),
        .p_ready(r_pe_out_1_p_valid),
        .x_ready(r_pe_out_1_x_ready),
        .p_valid(r_pe_out_1_p_valid),
        .p(r_pe_out_1_p)
    );

    pe pe_2 (
        .ap_clk(ap_clk),
        .rst(rst),
        .w_valid(w_valid[2]),
        .w(w),
        .x_valid(r_valid_1),
        .x(r_x_1),
        .p_ready(r_pe_out_2_p_valid),
        .x_ready(r_pe_out_2_x_ready),
        .p_valid(r_pe_out_2_p_valid),
        .p(r_pe_out_2_p)
    );

    assign ready = r_pe_out_0_x_ready;
    assign sum = r_sum;
    assign p = {r_pe_out_2_p, r_pe_out_1_p, r_pe_out_0_p};

    always @(posedge ap_clk) begin
        sum__2 = 32'd0;  // parent.c:7
        pi_x_valid_0 = x_valid;  // parent.c:12
        pi_x_0 = x;  // parent.c:13
        if (r_pe_out_0_p_valid) begin  // parent.c:14
            sum__2 = sum__2 + r_pe_out_0_p;  // parent.c:15
        end
        pi_x_valid_1 = r_valid_0;  // parent.c:12
        pi_x_1 = r_x_0;  // parent.c:13
        if (r_pe_out_1_p_valid) begin  // parent.c:14
            sum__2 = sum__2 + r_pe_out_1_p;  // parent.c:15
        end
        pi_x_valid_2 = r_valid_1;  // parent.c:12
        pi_x_2 = r_x_1;  // parent.c:13
        if (r_pe_out_2_p_valid) begin  // parent.c:14
            sum__2 = sum__2 + r_pe_out_2_p;  // parent.c:15
        end
        r_x_0 <= pi_x_0;  // parent.c:18
        r_valid_0 <= pi_x_valid_0;  // parent.c:19
        r_x_1 <= pi_x_1;  // parent.c:18
        r_valid_1 <= pi_x_valid_1;  // parent.c:19
        r_x_2 <= pi_x_2;  // parent.c:18
        r_valid_2 <= pi_x_valid_2;  // parent.c:19
        r_sum <= rst ? 32'sd0 : sum__2;  // parent.c:21
    end
endmodule

`default_nettype wire
/* verilator lint_on BLKSEQ */
/* verilator lint_on UNUSEDSIGNAL */
/* verilator lint_on VARHIDDEN */
/* verilator lint_on SYMRSVDWORD */
