#!/bin/sh
# The core is freestanding: what its archive needs from outside is at most
# memcpy, memmove, memset and memcmp.
#
# usage: undefined.sh ARCHIVE
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
nm --defined-only "$1" | awk 'NF == 3 { print $3 }' | sort -u >"$work/have"
nm -u "$1" | awk '$1 == "U" { print $2 }' | sort -u >"$work/want"
[ -s "$work/have" ] && [ -s "$work/want" ] || {
	echo "no symbols in $1" >&2
	exit 1
}
# The compiler's own: stack protector and fortified copies of the four.
comm -13 "$work/have" "$work/want" | grep -vxE \
    'mem(cpy|move|set|cmp)(_chk)?|__mem(cpy|move|set)_chk|__stack_chk_fail|_GLOBAL_OFFSET_TABLE_' \
    >"$work/outside" || true
if [ -s "$work/outside" ]; then
	echo "the core needs from outside:" >&2
	cat "$work/outside" >&2
	exit 1
fi
echo "ok   $(wc -l <"$work/have") symbols, nothing from outside"
