# alveo_place.tcl - before place_design on an Alveo card: each compute unit's array stays within one SLR.
#
# generate.sh puts `set cu_slr {rs_1 SLR0 ...}` before this.  v++'s slr= places the kernel; what this adds is the hint for the
# cells inside, and the pblock of the SLR where the platform has one.  Only the AXI ports cross SLRs, through slices that v++
# puts there.  The path to a unit depends on the platform's generation.
foreach {cu slr} $cu_slr {
    set cells {}
    foreach path {level0_i/ulp pfm_top_i/dynamic_region} {
        set found [get_cells -quiet $path/$cu/inst]
        if {[llength $found] != 0} {
            set cells $found
        }
    }
    if {[llength $cells] == 0} {
        puts "WARNING: alveo_place.tcl: no cells of compute unit $cu; its place is left to v++"
        continue
    }
    set_property USER_SLR_ASSIGNMENT $slr $cells
    set block [get_pblocks -quiet pblock_dynamic_$slr]
    if {[llength $block] != 0} {
        add_cells_to_pblock $block $cells -clear_locs
    }
}
