# Sets R to the place for a file: in the folder $2, or $2 itself, where * and ? stand for what the file's name has.
destination() {
  local name=${1##*/} base ending
  R=$2
  if [ -d "$R" ]; then
    R=${R%/}/$name
    return 0
  fi
  case ${R##*/} in
    *[\*?]*)
      base=${R##*/}
      ending=
      case $base in
        *.*)
          ending=.${base##*.}
          base=${base%.*}
          case $ending in .\*) ending=; case $name in *.*) ending=.${name##*.} ;; esac ;; esac
          ;;
      esac
      case $base in \*) base=${name%.*} ;; esac
      case $R in */*) R=${R%/*}/$base$ending ;; *) R=$base$ending ;; esac
      ;;
  esac
}

# copy: copies files, or joins them with +.
copy_files() {
  local text=$1 rest word list= count=0 result=0 to entry found joined= out many=
  rest=
  while :; do
    case $text in
      *+*) rest="$rest${text%%+*} + "; text=${text#*+} ;;
      *) rest=$rest$text; break ;;
    esac
  done
  joined=
  while next_word; do
    case $word in
      /[yY] | /-[yY] | /[vV] | /[zZ] | /[bB] | /[aA] | /[nN] | /[dD] | /[lL] | /[yYbBvV]/[yYbBvV]) ;;
      +) joined=1; list=$list+$NL ;;
      *) list=$list$word$NL ;;
    esac
  done
  # The last word is the destination, unless it is the only one, or one of a sum.
  to=${list%"$NL"}
  case $to in
    *$NL*)
      word=${to##*"$NL"}
      found=${to%"$NL"*}
      case $found in
        *"$NL+" | +) to=. ;;
        *) list=$found$NL; to=$word ;;
      esac
      ;;
    '') complain 'The syntax of the command is incorrect.' 1; return ;;
    *) to=. ;;
  esac
  case $to in
    *\\ | *\\\") path "$to"; [ -d "$R" ] || { complain 'The system cannot find the path specified.' 1; return; } ;;
  esac
  path "$to"
  to=${R:-.}
  case $to in [nN][uU][lL] | */[nN][uU][lL]) to=/dev/null ;; esac
  if [ -n "$joined" ]; then
    join_files "$list" "$to"
    return
  fi
  for word in $list; do
    sources "$word" || { fail 1; return; }
    found=$R
    case $word in *[\*?]*) many=1 ;; *) case $found in *"$NL"*"$NL"*) many=1 ;; esac ;; esac
    case $many$to in
      1*[\*?]* | '') ;;
      1*) if [ ! -d "$to" ] && [ "$to" != /dev/null ]; then join_files "$found" "$to" "$found"; return; fi ;;
    esac
    for entry in $found; do
      [ -z "$many" ] || { backslashes "$entry"; printf '%s\n' "$R"; }
      destination "$entry" "$to"
      if [ "$entry" -ef "$R" ] 2>/dev/null; then
        printf '%s\n' 'The file cannot be copied onto itself.' >&2
        result=1
      elif put_file "$entry" "$R"; then
        count=$((count + 1))
      else
        result=1
      fi
    done
  done
  printf '%9s file(s) copied.\n' "$count"
  leave "$result"
}

# Copies one file; tells what is wrong in cmd's words.
put_file() {
  case $2 in
    /dev/null) return 0 ;;
    */*) [ -d "${2%/*}/" ] || { printf '%s\n' 'The system cannot find the path specified.' >&2; return 1; } ;;
  esac
  cat -- "$1" >"$2" 2>/dev/null || { printf '%s\n' 'Access is denied.' >&2; return 1; }
  [ ! -x "$1" ] || chmod +x -- "$2" 2>/dev/null || :
  touch -r "$1" -- "$2" 2>/dev/null || :
}

# Sets R to the text with \ in place of /.
backslashes() {
  local rest=$1
  R=
  while :; do
    case $rest in
      */*) R=$R${rest%%/*}\\; rest=${rest#*/} ;;
      *) R=$R$rest; return 0 ;;
    esac
  done
}

# Sets R to the files that a word of `copy` and `move` means, one a line; a folder means the files in it.
sources() {
  path "$1"
  if [ -d "$R" ]; then
    matches "${R%/}/*" files
  else
    case $R in
      *[\*?]*) matches "$1" files ;;
      [nN][uU][lL]) R=/dev/null$NL; return 0 ;;
      *) if [ -f "$R" ]; then R=$R$NL; else R=; fi ;;
    esac
  fi
  [ -n "$R" ] && return 0
  printf '%s\n' 'The system cannot find the file specified.' >&2
  return 1
}

# Joins files into one. $3: the same list, when it is of one word with * or ?.
join_files() {
  local word out= first= entry
  for word in $1; do
    [ "$word" != + ] || continue
    if [ -n "${3-}" ]; then R=$word$NL; else sources "$word" || { fail 1; return; }; fi
    for entry in $R; do
      first=${first:-$entry}
      backslashes "$entry"
      printf '%s\n' "$R"
      out=$out$entry$NL
    done
  done
  destination "$first" "$2"
  [ "$2" != . ] || R=$first
  set -- "$R" "$R.joined.$$"
  for entry in $out; do cat -- "$entry"; done >"$2" 2>/dev/null && cat -- "$2" >"$1" || { rm -f -- "$2"; complain 'Access is denied.' 1; return; }
  rm -f -- "$2"
  printf '%9s file(s) copied.\n' 1
  leave 0
}
