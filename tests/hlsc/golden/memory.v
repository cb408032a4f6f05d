// memory.v - made by hlsc from memory.c; do not edit.
// Blocking assignments keep C's order, and only the block that makes them reads their results:
/* verilator lint_off BLKSEQ */
// C decides which bits of a value matter:
/* verilator lint_off UNUSEDSIGNAL */
// Names are C's, of fields that may be called like a module or like a word of C++:
/* verilator lint_off VARHIDDEN */
/* verilator lint_off SYMRSVDWORD */
`default_nettype none

module memory (
    input  wire ap_clk,
    input  wire [7:0] addr,
    input  wire [7:0] we,
    input  wire [31:0] lane,
    input  wire [63:0] lanes,
    input  wire [7:0] e_tag,
    input  wire signed [11:0] e_value,
    output wire [31:0] word,
    output wire [31:0] row,
    output wire [7:0] found_tag,
    output wire signed [11:0] found_value,
    output wire [7:0] sum
);

    // struct memory
    (* ram_style = "block" *) reg [31:0] r_block [0:63];  // memory.c:5
    (* ram_style = "distributed" *) reg [19:0] r_spad [0:15];  // memory.c:6
    (* ram_style = "distributed" *) reg [7:0] r_bank_0 [0:7];  // memory.c:7
    (* ram_style = "distributed" *) reg [7:0] r_bank_1 [0:7];
    reg [31:0] r_q;  // memory.c:9
    reg [7:0] r_e_tag;  // memory.c:14
    reg signed [11:0] r_e_value;
    (* mem2reg *) reg [31:0] r_row [0:1];  // memory.c:24
    reg [31:0] r_r;
    reg [7:0] r_b;  // memory.c:18

    assign word = r_q;
    assign row = r_r;
    assign found_tag = r_e_tag;
    assign found_value = r_e_value;
    assign sum = r_b;

    always @(posedge ap_clk) begin
        r_q <= r_block[addr[5:0]];  // memory.c:9
        if (we[0]) begin  // memory.c:11
            r_block[addr[5:0]][7:0] = lane[7:0];  // memory.c:12
        end
        if (we[1]) begin  // memory.c:11
            r_block[addr[5:0]][15:8] = lane[15:8];  // memory.c:12
        end
        if (we[2]) begin  // memory.c:11
            r_block[addr[5:0]][23:16] = lane[23:16];  // memory.c:12
        end
        if (we[3]) begin  // memory.c:11
            r_block[addr[5:0]][31:24] = lane[31:24];  // memory.c:12
        end
        r_e_tag <= r_spad[addr[3:0]][7:0];  // memory.c:14
        r_e_value <= r_spad[addr[3:0]][19:8];
        if ((we[4:0] & 5'd16) != 5'd0) begin  // memory.c:15
            r_spad[lane[3:0]][7:0] = e_tag;  // memory.c:16
            r_spad[lane[3:0]][19:8] = e_value;
        end
        r_b <= r_bank_0[addr[2:0]] + r_bank_1[addr[7:5]];  // memory.c:18
        r_bank_0[addr[2:0]] = lane[7:0];  // memory.c:19
        r_bank_1[addr[2:0]] = lane[15:8];  // memory.c:20
        r_r <= r_row[addr[0]];  // memory.c:24
        r_row[0] = lanes[31:0];  // memory.c:26
        r_row[1] = lanes[63:32];
    end
endmodule

`default_nettype wire
/* verilator lint_on BLKSEQ */
/* verilator lint_on UNUSEDSIGNAL */
/* verilator lint_on VARHIDDEN */
/* verilator lint_on SYMRSVDWORD */
