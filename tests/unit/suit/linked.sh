#!/bin/sh
# usage: linked.sh WITH WITHOUT
# The functions behind the switches are in the first program, with all on, and
# not in the second, with all off.
functions='pst_suit_do_wait pst_suit_wait_info_read pst_suit_metadata_read
pst_suit_do_swap pst_suit_do_use_before pst_suit_do_minimum_battery
pst_suit_do_update_authorized pst_suit_do_version pst_suit_do_copy_params
pst_suit_do_image_not_match pst_suit_override_multiple
pst_cose_open_begin pst_cose_content_key pst_cose_encrypt'
status=0
for f in $functions; do
	nm "$1" | grep -q " [Tt] $f\$" || { echo "$1: no $f"; status=1; }
	nm "$2" | grep -q " [Tt] $f\$" && { echo "$2: has $f"; status=1; }
done
[ $status -eq 0 ] && echo "$functions" | wc -w
exit $status
