"""What each shell needs to ask ``tfjsd __complete``.

The answer's first line is ``files``, ``directories`` or ``-`` (whether paths may follow as well); then come the
candidates, each with a tab and its description. Names of models come from the store, so from others: no script lets
its shell expand them (bash's ``compgen -W`` would run a ``$(…)`` in a model's name).
"""

from __future__ import annotations

BASH = r"""# tfjsd completion for bash
_tfjsd() {
  # Words between blanks: readline also splits at colons, which URLs have.
  local line="${COMP_LINE:0:COMP_POINT}" cur="" all=() paths candidate
  read -ra all <<< "$line"
  if [[ $line != *[[:space:]] ]]; then
    cur="${all[${#all[@]}-1]}"
    unset "all[${#all[@]}-1]"
  fi
  COMPREPLY=()
  {
    IFS= read -r paths
    while IFS= read -r candidate; do COMPREPLY+=("$(printf %q "${candidate%%$'\t'*}")"); done
  } < <(command tfjsd __complete -- "${all[@]:1}" "$cur" 2>/dev/null)
  # Paths are quoted here and not by "compopt -o filenames", which would quote the colons of URLs, too.
  if [[ $paths == files || $paths == directories ]]; then
    while IFS= read -r candidate; do
      local slash="" tilde=""
      [[ -d ${candidate/#\~/$HOME} ]] && slash=/
      [[ $candidate == \~* ]] && tilde="~"
      COMPREPLY+=("$tilde$(printf %q "${candidate#$tilde}")$slash")
    done < <(if [[ $paths == files ]]; then compgen -f -- "$cur"; else compgen -d -- "$cur"; fi)
  fi
  if [[ $cur == *:* && $COMP_WORDBREAKS == *:* ]]; then
    local before="${cur%"${cur##*:}"}"
    COMPREPLY=("${COMPREPLY[@]#"$before"}")
  fi
  if [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == */ ]]; then compopt -o nospace 2>/dev/null; fi
}
complete -F _tfjsd tfjsd
"""

ZSH = r"""#compdef tfjsd
_tfjsd() {
  local -a lines values shown
  local line
  lines=("${(@f)$(command tfjsd __complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  for line in "${(@)lines[2,-1]}"; do
    values+=("${line%%$'\t'*}")
    shown+=("${line/$'\t'/  -- }")
  done
  (( $#values )) && compadd -l -d shown -a values
  case $lines[1] in
    files) _files ;;
    directories) _files -/ ;;
  esac
}
if [[ "$funcstack[1]" == "_tfjsd" ]]; then _tfjsd "$@"; else compdef _tfjsd tfjsd; fi
"""

FISH = r"""# tfjsd completion for fish
function __tfjsd_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l lines (command tfjsd __complete -- $words[2..-1] 2>/dev/null)
    for line in $lines[2..-1]
        echo $line
    end
    switch "$lines[1]"
        case files
            __fish_complete_path (commandline -ct)
        case directories
            __fish_complete_directories (commandline -ct)
    end
end
complete -c tfjsd -f -a '(__tfjsd_complete)'
"""

SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}
