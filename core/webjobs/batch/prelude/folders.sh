# Goes to a folder of Linux.
enter() {
  case $1 in -) cd ./- ;; *) cd -- "$1" ;; esac 2>/dev/null || return 1
  shown_path "$PWD"
  cwd=$R
}

# cd: goes to a folder, or shows where it is.
change_folder() {
  local text=$1
  while :; do case $text in [\ "$TAB",\;=]*) text=${text#?} ;; *[\ "$TAB"]) text=${text%?} ;; *) break ;; esac; done
  case $text in
    /[dD] | /[dD][\ "$TAB"]* | /[dD]\"*)
      text=${text#??}
      while :; do case $text in [\ "$TAB"]*) text=${text#?} ;; *) break ;; esac; done
      ;;
  esac
  case $text in
    '' | [A-Za-z]:) say "$cwd"; leave 0; return ;;
  esac
  path "$text"
  if [ -d "$R" ] && enter "$R"; then leave 0; return; fi
  if [ -e "$R" ]; then complain 'The directory name is invalid.' 1; return; fi
  complain 'The system cannot find the path specified.' 1
}

# pushd: remembers the folder and goes to another one.
push_folder() {
  local before=$PWD rest=$1 word
  next_word || { leave 0; return; }
  path "$word"
  if [ -d "$R" ] && enter "$R"; then
    folders=$before$NL$folders
    leave 0
  else
    complain 'The system cannot find the path specified.' 1
  fi
}

# popd: goes back. Without a folder to go back to, only || sees that.
pop_folder() {
  [ -n "$folders" ] || { code=1; return 1; }
  enter "${folders%%"$NL"*}"
  folders=${folders#*"$NL"}
}

# mkdir: makes folders with those above them.
make_folders() {
  local rest=$1 word result=0
  next_word || { complain 'The syntax of the command is incorrect.' 1; return; }
  while [ -n "$word" ]; do
    path "$word"
    R=${R%/}
    if [ -e "$R" ]; then
      without_quotes "$word"
      printf 'A subdirectory or file %s already exists.\n' "$R" >&2
      result=1
    else
      case $R in
        *[\*?\<\>\|]*) printf '%s\n' 'The filename, directory name, or volume label syntax is incorrect.' >&2; result=1 ;;
        *) mkdir -p -- "$R" 2>/dev/null || { printf '%s\n' 'Access is denied.' >&2; result=1; } ;;
      esac
    fi
    next_word || :
  done
  leave "$result"
}

# rmdir: removes folders. Its failure is seen by || only, as in cmd.
remove_folders() {
  local rest=$1 word tree= result=0 list=
  while next_word; do
    case $word in
      /[sS]) tree=1 ;;
      /[qQ]) ;;
      /[sS]/[qQ] | /[qQ]/[sS]) tree=1 ;;
      *) list=$list$word$NL ;;
    esac
  done
  [ -n "$list" ] || { printf '%s\n' 'The syntax of the command is incorrect.' >&2; code=1; return 1; }
  for word in $list; do
    path "$word"
    R=${R%/}
    if [ -d "$R" ] && [ ! -L "$R" ]; then
      if [ -n "$tree" ]; then
        rm -rf -- "$R" 2>/dev/null || { printf '%s\n' 'Access is denied.' >&2; result=5; }
      elif ! rmdir -- "$R" 2>/dev/null; then
        printf '%s\n' 'The directory is not empty.' >&2
        result=145
      fi
    elif [ -e "$R" ]; then
      printf '%s\n' 'The directory name is invalid.' >&2
      result=267
    elif [ "$R" != "${R%/*}" ] && [ ! -d "${R%/*}" ]; then
      printf '%s\n' 'The system cannot find the path specified.' >&2
      result=3
    else
      printf '%s\n' 'The system cannot find the file specified.' >&2
      result=2
    fi
  done
  [ "$result" -eq 0 ] || code=$result
  [ "$result" -eq 0 ]
}
