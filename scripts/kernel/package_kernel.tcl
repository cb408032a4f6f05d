# package_kernel.tcl - the generated Verilog as a Vitis kernel: Vivado IP, then rs.xo.
#
#   vivado -mode batch -source package_kernel.tcl -tclargs PART          in the folder that generate.sh made
#
# Registers and ports come from kernel.tcl.  The procedure is that of Vitis_Accel_Examples' rtl_vadd.
if {[llength $argv] != 1} {
    error "package_kernel.tcl: PART is expected, got '$argv'"
}
set part [lindex $argv 0]
set here [file normalize [file dirname [info script]]]
source [file join $here kernel.tcl]

# 1. A project with the Verilog and the clock for synthesis on its own.
create_project -force $kernel_name [file join $here project] -part $part
set verilog [lsort [glob [file join $here rtl *.v] [file join $here rtl *.sv]]]
add_files -norecurse $verilog
add_files -norecurse [file join $here ${kernel_name}_ooc.xdc]
set_property USED_IN {out_of_context synthesis implementation} [get_files ${kernel_name}_ooc.xdc]
set_property top $kernel_name [current_fileset]
update_compile_order -fileset sources_1

# 2. and 3. As an IP, opened again for editing.
set ip [file join $here ip]
ipx::package_project -root_dir $ip -vendor xilinx.com -library RTLKernel -taxonomy /KernelIP -import_files -set_current false
ipx::unload_core [file join $ip component.xml]
ipx::edit_ip_in_project -upgrade true -name edit_$kernel_name -directory $ip [file join $ip component.xml]
set core [ipx::current_core]

# 4. No parameters for users.
foreach parameter [ipx::get_user_parameters -of_objects $core] {
    ipx::remove_user_parameter [get_property NAME $parameter] $core
}
set_property core_revision 1 $core

# 5. One clock for both ports.
ipx::associate_bus_interfaces -busif $control_port -clock ap_clk $core
ipx::associate_bus_interfaces -busif $master_port -clock ap_clk $core

# 6. to 8. The register map; each pointer belongs to the master port.
set map [ipx::add_memory_map $control_port $core]
set_property slave_memory_map_ref $control_port [ipx::get_bus_interfaces $control_port -of_objects $core]
set block [ipx::add_address_block reg0 $map]
set_property range $control_range $block
foreach register $registers {
    lassign $register name offset bits what
    set r [ipx::add_register $name $block]
    set_property address_offset $offset $r
    set_property size $bits $r
    if {$what eq "pointer"} {
        ipx::add_register_parameter ASSOCIATED_BUSIF $r
        set_property value $master_port [ipx::get_register_parameters ASSOCIATED_BUSIF -of_objects $r]
    }
}

# 9. to 11. What makes an IP a kernel.  Without ignore_freq_hz: "FREQ_HZ mismatch".
set_property sdx_kernel true $core
set_property sdx_kernel_type rtl $core
set_property ipi_drc {ignore_freq_hz true} $core
set_property vitis_drc {ctrl_protocol ap_ctrl_hs} $core
set_property supported_families {} $core
set_property auto_family_support_level level_2 $core

# 12. and 13.
ipx::create_xgui_files $core
ipx::update_checksums $core
ipx::check_integrity -kernel $core
ipx::save_core $core
close_project -delete
package_xo -force -xo_path [file join $here $kernel_name.xo] -kernel_name $kernel_name -ip_directory $ip -ctrl_protocol ap_ctrl_hs
