// arithmetic.v - made by hlsc from arithmetic.c; do not edit.
// Blocking assignments keep C's order, and only the block that makes them reads their results:
/* verilator lint_off BLKSEQ */
// C decides which bits of a value matter:
/* verilator lint_off UNUSEDSIGNAL */
// Names are C's, of fields that may be called like a module or like a word of C++:
/* verilator lint_off VARHIDDEN */
/* verilator lint_off SYMRSVDWORD */
`default_nettype none

module arithmetic (
    input  wire ap_clk,
    input  wire rst,
    input  wire [7:0] op,
    input  wire signed [7:0] a,
    input  wire signed [7:0] b,
    input  wire [7:0] u,
    input  wire signed [31:0] wide,
    output reg  signed [31:0] y,
    output wire [7:0] rom,
    output wire less
);

    // struct arithmetic
    reg signed [31:0] r_y;  // arithmetic.c:20
    reg signed [4:0] r_small;  // arithmetic.c:36
    reg [7:0] r_rom;  // arithmetic.c:39
    reg r_less;  // arithmetic.c:40

    // locals
    reg signed [31:0] x;  // arithmetic.c:30
    reg signed [31:0] clamp;  // arithmetic.c:8

    // tables
    reg [7:0] squares [0:7];
    initial begin
        squares[0] = 8'd0;
        squares[1] = 8'd1;
        squares[2] = 8'd4;
        squares[3] = 8'd9;
        squares[4] = 8'd16;
        squares[5] = 8'd25;
        squares[6] = 8'd36;
        squares[7] = 8'd49;
    end

    assign rom = r_rom;
    assign less = r_less;

    always @(posedge ap_clk) begin
        x = 32'd0;
        clamp = 32'd0;
        case (op)  // arithmetic.c:18
        8'd0: begin
            r_y = 32'(a) + {24'd0, u};  // arithmetic.c:20
        end
        8'd1, 8'd3: begin
            r_y = 32'(a) * 32'(b);  // arithmetic.c:24
        end
        8'd2: begin
            r_y = 32'($signed(wide[31:3])) + ($unsigned(wide) >> u[4:0]);  // arithmetic.c:27
        end
        8'd8: begin
            x = wide + wide;  // arithmetic.c:30
            if (x < 32'shffffff80) begin  // arithmetic.c:7
                clamp = 32'hffffff80;  // arithmetic.c:8
            end else if (x > 32'sd127) begin  // arithmetic.c:9
                clamp = 32'd127;  // arithmetic.c:10
            end else begin
                clamp = x;  // arithmetic.c:11
            end
            r_y = clamp;  // arithmetic.c:30
        end
        default: begin
            r_y = 32'($signed(~(9'(b)) / 9'sd10)) - {24'd0, u % 8'd7};  // arithmetic.c:33
        end
        endcase
        r_small = r_small + a[4:0];  // arithmetic.c:36
        if (rst) begin  // arithmetic.c:37
            r_small = 5'h1d;  // arithmetic.c:38
        end
        r_rom <= squares[u[2:0]];  // arithmetic.c:39
        r_less <= 9'(a) < $signed({1'd0, u});  // arithmetic.c:40
        if (u[0]) begin  // arithmetic.c:42
            r_y = r_y ^ 32'(r_small);  // arithmetic.c:44
        end
        if (u[1]) begin  // arithmetic.c:42
            r_y = r_y ^ 32'(r_small) << 1;  // arithmetic.c:44
        end
        if (u[2]) begin  // arithmetic.c:42
            r_y = r_y ^ 32'(r_small) << 2;  // arithmetic.c:44
        end
        if (u[3]) begin  // arithmetic.c:42
            r_y = r_y ^ 32'(r_small) << 3;  // arithmetic.c:44
        end
        y <= r_y;  // arithmetic.c:46
    end
endmodule

`default_nettype wire
/* verilator lint_on BLKSEQ */
/* verilator lint_on UNUSEDSIGNAL */
/* verilator lint_on VARHIDDEN */
/* verilator lint_on SYMRSVDWORD */
