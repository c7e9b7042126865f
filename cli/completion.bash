# Completion of postern(1) in bash. The program itself lists its commands and
# their options, so this never falls behind it.

_postern()
{
	local word=${COMP_WORDS[COMP_CWORD]}
	local -a path=()
	local w i

	for ((i = 1; i < COMP_CWORD; i++)); do
		w=${COMP_WORDS[i]}
		[[ $w == -* ]] && break
		[[ $w == help && $i == 1 ]] && continue
		path+=("$w")
		((${#path[@]} == 2)) && break
	done
	COMPREPLY=()
	if [[ $word == -* ]]; then
		COMPREPLY=($(compgen -W "--help $(postern help "${path[@]}" \
			2>/dev/null | grep -oE -- '--[a-z-]+' | sort -u)" \
			-- "$word"))
		return
	fi
	if ((${#path[@]} < 2)); then
		COMPREPLY=($(compgen -W "$(postern help --commands \
			2>/dev/null | _postern_words "${path[0]}")" \
			-- "$word"))
	fi
	if ((${#COMPREPLY[@]} == 0)); then
		compopt -o filenames 2>/dev/null
		COMPREPLY=($(compgen -f -- "$word"))
	fi
}

# The first words, or the words after one of them.
_postern_words()
{
	local group=$1 first second

	while read -r first second; do
		if [[ -z $group ]]; then
			echo "$first"
		elif [[ $first == "$group" && -n $second ]]; then
			echo "$second"
		fi
	done | sort -u
}

complete -F _postern postern
