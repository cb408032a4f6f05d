// pe.v - made by hlsc from pe.c; do not edit.
// Blocking assignments keep C's order, and only the block that makes them reads their results:
/* verilator lint_off BLKSEQ */
// C decides which bits of a value matter:
/* verilator lint_off UNUSEDSIGNAL */
// Names are C's, of fields that may be called like a module or like a word of C++:
/* verilator lint_off VARHIDDEN */
/* verilator lint_off SYMRSVDWORD */
`default_nettype none

module pe (
    input  wire ap_clk,
    input  wire rst,
    input  wire w_valid,
    input  wire signed [7:0] w,
    input  wire x_valid,
    input  wire signed [15:0] x,
    input  wire p_ready,
    output wire x_ready,
    output reg  p_valid,
    output reg  signed [31:0] p
);

    // struct pe
    (* mem2reg *) reg signed [7:0] r_filter [0:11];  // pe.c:22
    reg [7:0] r_taps;  // pe.c:8
    reg [7:0] r_taps_q;
    reg [7:0] r_tap;
    reg r_p_valid;
    reg r_p_valid_q;
    reg signed [31:0] r_psum;  // pe.c:15

    assign x_ready = r_taps_q != 8'd0 && !r_p_valid_q;

    always @(posedge ap_clk) begin
`ifndef SYNTHESIS
        assert (rst || !w_valid || !x_valid && !r_p_valid && r_tap == 8'd0 && r_taps < 8'd12) else $fatal(1, "pe.c:8: assertion failed: assert(in->rst || !in->w_valid ||");
`endif
        if (rst) begin  // pe.c:11
            r_taps = 8'd0;  // pe.c:12
            r_tap = 8'd0;  // pe.c:13
            r_p_valid = 1'd0;  // pe.c:14
            r_psum = 32'd0;  // pe.c:15
        end else if (r_p_valid) begin  // pe.c:16
            if (p_ready) begin  // pe.c:17
                r_p_valid = 1'd0;  // pe.c:18
                r_psum = 32'd0;  // pe.c:19
            end
        end else if (w_valid) begin  // pe.c:21
            r_filter[r_taps[3:0]] = w;  // pe.c:22
            r_taps = r_taps + 8'd1;
        end else if (x_valid && r_taps != 8'd0) begin  // pe.c:23
            r_psum = r_psum + 32'(x) * 32'(r_filter[r_tap[3:0]]);  // pe.c:24
            r_p_valid = {1'd0, r_tap} == {1'd0, r_taps} - 9'd1;  // pe.c:25
            r_tap = r_p_valid ? 8'd0 : r_tap + 8'd1;  // pe.c:26
        end
        p_valid <= r_p_valid;  // pe.c:30
        p <= r_psum;  // pe.c:31
        r_p_valid_q <= r_p_valid;
        r_taps_q <= r_taps;
    end
endmodule

`default_nettype wire
/* verilator lint_on BLKSEQ */
/* verilator lint_on UNUSEDSIGNAL */
/* verilator lint_on VARHIDDEN */
/* verilator lint_on SYMRSVDWORD */
