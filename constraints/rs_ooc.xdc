# rs_ooc.xdc - the kernel synthesised by itself, out of context: 300 MHz.  In a card the platform supplies the clock.
create_clock -period 3.333 -name ap_clk [get_ports ap_clk]
