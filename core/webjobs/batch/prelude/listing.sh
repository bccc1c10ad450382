# dir: lists folders and files.
list_folder() {
  local rest=$1 word bare= below= kinds= order=n list= found= result=0 folder pattern upper_word
  while next_word; do
    upper "$word"
    case $R in
      /B | /S | /A | /O | /A:* | /O:* | /A[-DHSRL]* | /O[-NSEDG]* | /B/* | /S/* | /A/* | /O/* | /W | /N | /C | /-C | /L | /Q | /4 | \
        /T:* | /X | /P | /-N | /D)
        upper_word=$R
        while [ -n "$upper_word" ]; do
          upper_word=${upper_word#/}
          case $upper_word in
            B*) bare=1 ;;
            S*) below=1 ;;
            A*) kinds=${upper_word#A}; kinds=${kinds%%/*}; kinds=a${kinds#:} ;;
            O*) order=${upper_word#O}; order=${order%%/*}; order=${order#:}; order=${order:-GN} ;;
          esac
          case $upper_word in */*) upper_word=/${upper_word#*/} ;; *) upper_word= ;; esac
        done
        ;;
      *) list=$list$word$NL ;;
    esac
  done
  for word in ${list:-.}; do
    path "$word"
    if [ -d "$R" ]; then folder=${R%/} pattern='*'
    else case $R in */*) folder=${R%/*} pattern=${R##*/} ;; *) folder=. pattern=$R ;; esac; fi
    folder=${folder:-/}
    if [ -n "$below" ]; then R=$(find "$folder" -type d 2>/dev/null | LC_ALL=C sort -f); else R=$folder; fi
    for folder in $R; do
      list_one "$folder" "$pattern" && found=1
    done
  done
  if [ -z "$found" ]; then
    complain 'File Not Found' 1
    return
  fi
  leave 0
}

# Lists what fits a name in one folder; fails when nothing does.
list_one() {
  local folder=$1 entry kind lines= where files=0 size=0 folders=0
  if [ "$folder" = . ]; then matches "$2" all; else matches "${folder%/}/$2" all; fi
  for entry in $R; do
    if [ -d "$entry" ]; then kind=1; else kind=2; fi
    case $kinds in
      *-D*) [ "$kind" = 2 ] || continue ;;
      *D*) [ "$kind" = 1 ] || continue ;;
      *-[HSRL]* | a | '') ;;
      *[HSRL]*) continue ;;
    esac
    lines=$lines$entry$NL
  done
  [ -n "$lines" ] || return 1
  in_order "$lines"
  lines=$R
  whole_path "$folder"
  shown_path "$R"
  where=$R
  if [ -n "$bare" ]; then
    for entry in $lines; do
      if [ -n "$below" ]; then printf '%s\\%s\n' "$where" "${entry##*/}"; else printf '%s\n' "${entry##*/}"; fi
    done
    return 0
  fi
  printf ' Volume in drive D has no label.\n Volume Serial Number is 0000-0000\n\n Directory of %s\n\n' "$where"
  for entry in $lines; do
    if [ -d "$entry" ]; then
      folders=$((folders + 1))
      printf '%s    <DIR>          %s\n' "$(date -r "$entry" '+%m/%d/%Y  %I:%M %p')" "${entry##*/}"
    else
      files=$((files + 1))
      kind=$(($(wc -c <"$entry")))
      size=$((size + kind))
      thousands "$kind"
      printf '%s %17s %s\n' "$(date -r "$entry" '+%m/%d/%Y  %I:%M %p')" "$R" "${entry##*/}"
    fi
  done
  thousands "$size"
  printf '%16s File(s) %14s bytes\n%16s Dir(s)\n' "$files" "$R" "$folders"
}

# Sets R to a number with commas.
thousands() {
  local rest=$1 out=
  while [ "${#rest}" -gt 3 ]; do
    out=,${rest#"${rest%???}"}$out
    rest=${rest%???}
  done
  R=$rest$out
}

# Sets R to the paths in the order that /o asks for.
in_order() {
  local entry key keys= letter rest=$order reverse
  R=$1
  case $order in n | N) return 0 ;; esac
  R=$(
    for entry in $1; do
      key=
      rest=$order
      while [ -n "$rest" ]; do
        reverse=
        case $rest in -*) reverse=-; rest=${rest#-} ;; esac
        letter=${rest%"${rest#?}"}
        rest=${rest#?}
        case $letter in
          [sS]) key="$key$reverse$(printf %020d "$(($(wc -c <"$entry" 2>/dev/null || echo 0)))")$TAB" ;;
          [dD]) key="$key$reverse$(date -r "$entry" +%020s)$TAB" ;;
          [eE]) upper "${entry##*/}"; case $R in *.*) R=${R##*.} ;; *) R= ;; esac; key="$key$reverse$R$TAB" ;;
          [gG]) if [ -d "$entry" ]; then key="${key}${reverse}0$TAB"; else key="${key}${reverse}1$TAB"; fi ;;
          [nN]) upper "${entry##*/}"; key="$key$reverse$R$TAB" ;;
        esac
      done
      printf '%s%s\n' "$key" "$entry"
    done | sort_keys
  )$NL
}

# Sorts lines of keys and a path; a key that begins with - sorts from the end. The letters of $order say how many there are.
sort_keys() {
  local rest=$order number=0 options=
  while [ -n "$rest" ]; do
    case $rest in
      -*) rest=${rest#-?}; number=$((number + 1)); options="$options$NL-k$number,${number}r" ;;
      *) rest=${rest#?}; number=$((number + 1)); options="$options$NL-k$number,$number" ;;
    esac
  done
  LC_ALL=C sort -s -t "$TAB" $options | cut -f "$((number + 1))-"
}

# where: shows where a program or file is.
show_place() {
  local rest=$1 word quiet= found= entry folder
  while next_word; do
    case $word in
      /[qQ]) quiet=1 ;;
      *)
        without_quotes "$word"
        word=$R
        case $word in \$*:*) word=${word#*:} ;; esac
        rest=".:$PATH:$rest"
        while :; do
          case $rest in *:*) ;; *) break ;; esac
          folder=${rest%%:*}
          rest=${rest#*:}
          for entry in "" .exe .cmd .bat; do
            if [ -f "$folder/$word$entry" ]; then
              found=1
              whole_path "$folder/$word$entry"
              shown_path "$R"
              [ -n "$quiet" ] || printf '%s\n' "$R"
            fi
          done
        done
        ;;
    esac
  done
  [ -n "$found" ] && { leave 0; return; }
  [ -n "$quiet" ] || printf '%s\n' 'INFO: Could not find files for the given pattern(s).' >&2
  fail 1
}
