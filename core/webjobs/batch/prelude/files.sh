# type: shows files, each with its name when there are several.
show_files() {
  local rest=$1 word list= entry many= result=0
  while next_word; do
    case $word in
      *[\*?]*)
        many=1
        matches "$word" files
        [ -n "$R" ] || { printf '%s\n' 'The system cannot find the file specified.' >&2; result=1; }
        list=$list$R
        ;;
      *) [ -z "$list" ] || many=1; path "$word"; list=$list$R$NL ;;
    esac
  done
  [ -n "$list$many" ] || { complain 'The syntax of the command is incorrect.' 1; return; }
  for entry in $list; do
    case $entry in [nN][uU][lL] | [cC][oO][nN]) continue ;; esac
    if [ -d "$entry" ]; then
      printf '%s\n' 'Access is denied.' >&2
      result=1
    elif [ ! -f "$entry" ]; then
      case $entry in
        */*) [ -d "${entry%/*}" ] || { printf '%s\n' 'The system cannot find the path specified.' >&2; result=1; continue; } ;;
      esac
      printf '%s\n' 'The system cannot find the file specified.' >&2
      [ -z "$many" ] || printf 'Error occurred while processing: %s.\n' "$entry" >&2
      result=1
    else
      [ -z "$many" ] || printf '\n%s\n\n\n' "$entry" >&2
      cat -- "$entry" || result=1
    fi
  done
  leave "$result"
}

# del: removes files.
delete_files() {
  local rest=$1 word below= list= result=0 found entry attributes=
  while next_word; do
    case $word in
      /[sS]) below=1 ;;
      /[qQ] | /[fF] | /[pP]) ;;
      /[aA] | /[aA]:*) attributes=$word ;;
      /[sSqQfF]/[sSqQfF] | /[sSqQfF]/[sSqQfF]/[sSqQfF]) case $word in *[sS]*) below=1 ;; esac ;;
      *) list=$list$word$NL ;;
    esac
  done
  [ -n "$list" ] || { complain 'The syntax of the command is incorrect.' 1; return; }
  for word in $list; do
    path "$word"
    [ ! -d "$R" ] || { word=${R%/}/\*; R=$word; }
    case $R in
      */*) [ -d "${R%/*}/" ] || { printf '%s\n' 'The system cannot find the path specified.' >&2; result=1; continue; } ;;
    esac
    if [ -n "$below" ]; then
      files_below "$word"
    else
      case $R in
        *[\*?]*) matches "$word" files ;;
        *) if [ -f "$R" ] || [ -L "$R" ]; then R=$R$NL; else R=; fi ;;
      esac
    fi
    found=$R
    if [ -z "$found" ]; then
      whole_path "$word"
      shown_path "$R"
      printf 'Could Not Find %s\n' "$R" >&2
    fi
    for entry in $found; do
      rm -f -- "$entry" 2>/dev/null || { printf '%s\n' 'Access is denied.' >&2; result=1; continue; }
      [ -z "$below" ] || { whole_path "$entry"; shown_path "$R"; printf 'Deleted file - %s\n' "$R"; }
    done
  done
  leave "$result"
}

# Sets R to the files that fit a name in a folder and all below it, one a line.
files_below() {
  local folder name folders out=
  path "$1"
  case $R in */*) folder=${R%/*}; name=${R##*/} ;; *) folder=.; name=$R ;; esac
  folders=$(find "${folder:-/}" -type d 2>/dev/null | LC_ALL=C sort -f)
  for folder in $folders; do
    matches "$folder/$name" files
    out=$out$R
  done
  R=$out
}

# forfiles: sets R to what it finds, one a line. $1: folder, $2: mask, $3: days, $4: below for the folders below.
find_files() {
  local top mask=$2 days=$3 depth=1 first= limit= line time out=
  whole_path "$1"
  top=${R%/}/
  [ -d "$top" ] || { complain 'ERROR: The directory name is invalid.' 1; return; }
  [ -z "${4-}" ] || depth=9999
  [ "$mask" != '*.*' ] || mask='*'
  any_case "$mask" '*?'
  mask=$R
  if [ -n "$days" ]; then
    # Days begin at midnight. A 1 before two digits keeps them from being octal.
    time=$(date '+%s-(1%H-100)*3600-(1%M-100)*60-(1%S-100)')
    number "${days#?}" || :
    case $days in
      -*) limit=$(($time - (R - 1) * 86400)) ;;
      *) first=$(($time + R * 86400)) ;;
    esac
  fi
  for line in $(find "$top" -mindepth 1 -maxdepth "$depth" -exec stat -c '%Y %n' {} + 2>/dev/null | LC_ALL=C sort -f -k 2); do
    time=${line%% *}
    line=${line#* }
    case ${line##*/} in $mask) ;; *) continue ;; esac
    [ -z "$limit" ] || [ "$time" -lt "$limit" ] || continue
    [ -z "$first" ] || [ "$time" -ge "$first" ] || continue
    out=$out$line$NL
  done
  [ -n "$out" ] || { complain 'ERROR: No files found with the specified search criteria.' 1; return; }
  say ''
  R=$out
}

# Goes to the folder of a file that forfiles found, and sets what @path and the like stand for in its command.
file_values() {
  f_file=${1##*/} f_ext= f_isdir=FALSE
  f_fname=$f_file
  case $f_file in *.*) f_fname=${f_file%.*} f_ext=${f_file##*.} ;; esac
  f_file=\"$f_file\" f_fname=\"$f_fname\" f_ext=\"$f_ext\"
  [ ! -d "$1" ] || f_isdir=TRUE
  shown_path "$1"
  f_path=\"$R\"
  enter "${1%/*}/"
}

# move: moves files, or one folder.
move_files() {
  local rest=$1 word list= to count=0 entry result=0 kind=file
  while next_word; do
    case $word in /[yY] | /-[yY]) ;; *) list=$list$word$NL ;; esac
  done
  case $list in
    '') complain 'The syntax of the command is incorrect.' 1; return ;;
    *"$NL"*"$NL"*) to=${list%"$NL"}; to=${to##*"$NL"} ;;
    *) to=. ;;
  esac
  word=${list%%"$NL"*}
  path "$to"
  to=${R%/}
  path "$word"
  if [ -d "$R" ]; then
    kind=dir
    entry=${R%/}
    [ ! -d "$to" ] || to=$to/${entry##*/}
    R=$entry$NL
    case $to/ in "$entry"/*) complain 'The process cannot access the file because it is being used by another process.' 1; return ;; esac
    [ ! -e "$to" ] || { complain 'Access is denied.' 1; return; }
  else
    sources "$word" || { fail 1; return; }
  fi
  for entry in $R; do
    if [ "$kind" = dir ]; then R=$to; else destination "$entry" "$to"; fi
    case $R in
      */*) [ -d "${R%/*}/" ] || { printf '%s\n' 'The system cannot find the path specified.' >&2; result=1; continue; } ;;
    esac
    case $word in *[\*?]*) set -- "$R"; whole_path "$entry"; shown_path "$R"; printf '%s\n' "$R"; R=$1 ;; esac
    if [ "$entry" -ef "$R" ] 2>/dev/null || mv -f -- "$entry" "$R" 2>/dev/null; then
      count=$((count + 1))
    else
      printf '%s\n' 'Access is denied.' >&2
      result=1
    fi
  done
  [ "$count" -eq 0 ] || printf '%9s %s(s) moved.\n' "$count" "$kind"
  leave "$result"
}

# ren: gives files or a folder another name in the same folder.
rename_files() {
  local rest=$1 word from to entry result=0 name
  next_word || { complain 'The syntax of the command is incorrect.' 1; return; }
  from=$word
  next_word || { complain 'The syntax of the command is incorrect.' 1; return; }
  without_quotes "$word"
  to=$R
  case $to in *[\\/]*) complain 'The syntax of the command is incorrect.' 1; return ;; esac
  path "$from"
  case $R in
    *[\*?]*) matches "$from" all ;;
    *) if [ -e "$R" ]; then R=$R$NL; else R=; fi ;;
  esac
  [ -n "$R" ] || { complain 'The system cannot find the file specified.' 1; return; }
  for entry in $R; do
    destination "$entry" "$to"
    [ ! -d "$to" ] || R=$to
    name=$R
    case $entry in */*) name=${entry%/*}/$R ;; esac
    [ "$name" != "$entry" ] || continue
    if [ -e "$name" ] && ! [ "$entry" -ef "$name" ] 2>/dev/null; then
      printf '%s\n' 'A duplicate file name exists, or the file' 'cannot be found.' >&2
      result=1
    else
      mv -- "$entry" "$name" 2>/dev/null || { printf '%s\n' 'Access is denied.' >&2; result=1; }
    fi
  done
  leave "$result"
}

# attrib: shows or changes the mark of read-only files; the other marks mean nothing to Linux.
change_attributes() {
  local rest=$1 word change= list= entry mark
  while next_word; do
    case $word in
      +[rR]) change=a-w ;;
      -[rR]) change=u+w ;;
      [+-][aAhHsSiI] | /[sSdD]) ;;
      *) list=$list$word$NL ;;
    esac
  done
  for word in ${list:-'*'}; do
    case $word in *[\*?]*) matches "$word" files ;; *) path "$word"; R=$R$NL ;; esac
    for entry in $R; do
      [ -e "$entry" ] || { printf 'File not found - %s\n' "$entry"; continue; }
      if [ -n "$change" ]; then chmod -- "$change" "$entry" 2>/dev/null || :
      else
        case $1 in
          *[+-][aAhHsSiIrR]*) ;;
          *)
            mark=' '
            [ -w "$entry" ] || mark=R
            whole_path "$entry"
            shown_path "$R"
            printf 'A    %s               %s\n' "$mark" "$R"
            ;;
        esac
      fi
    done
  done
  leave 0
}
