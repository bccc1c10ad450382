# Sets R to the path of Linux that a path of Windows means; names are found whatever their case.
path() {
  local rest lower
  without_quotes "$1"
  while :; do case $R in *[\ "$TAB"]) R=${R%?} ;; *) break ;; esac; done
  case $R in
    *\\*) slashes "$R" ;;
  esac
  case $R in
    [A-Za-z]:*)
      R=${R#??}
      case $R in
        /[lL][oO][cC][aA][lL]/[tT][eE][mM][pP]*) R=${TEMP:-/tmp}${R#/???????????} ;;
        '') R=. ;;
      esac
      ;;
  esac
  [ -e "$R" ] || [ -z "$R" ] || found_path
}

# Sets R to the text with / in place of \.
slashes() {
  local rest=$1
  R=
  while :; do
    case $rest in
      *\\*) R=$R${rest%%\\*}/; rest=${rest#*\\} ;;
      *) R=$R$rest; return 0 ;;
    esac
  done
}

# Puts the names that exist into the path in R, where they differ in case only.
found_path() {
  local rest=$R at= part
  case $rest in /*) at=/; rest=${rest#/} ;; esac
  while [ -n "$rest" ]; do
    part=${rest%%/*}
    case $rest in */*) rest=${rest#*/} ;; *) rest= ;; esac
    if [ -n "$part" ] && [ ! -e "$at$part" ]; then
      found_name "$at" "$part"
      [ -n "$R" ] || { R=$at$part${rest:+/$rest}; return 0; }
      part=$R
    fi
    at=$at$part${rest:+/}
  done
  R=$at
}

# Sets R to the name in a folder that is the same but for its case; empty when there is none.
found_name() {
  local folder=$1 name=$2
  any_case "$name"
  set +f
  set -- "$folder"$R
  set -f
  if [ -e "$1" ]; then R=${1#"$folder"}; else R=; fi
}

# Sets R to a path of Linux as the job sees it: the package's folder as it is, what is below it with \.
shown_path() {
  local rest=$1 head=
  case $1 in
    "$root") R=$1; return 0 ;;
    "$root"/*) head=$root; rest=${1#"$root"} ;;
  esac
  R=$head
  while :; do
    case $rest in
      */*) R=$R${rest%%/*}\\; rest=${rest#*/} ;;
      *) R=$R$rest; return 0 ;;
    esac
  done
}

# Sets R to the whole path of Linux, without . and .. and without / at its end.
whole_path() {
  local rest part out=
  path "$1"
  case $R in /*) rest=$R ;; *) rest=$PWD/$R ;; esac
  while [ -n "$rest" ]; do
    part=${rest%%/*}
    case $rest in */*) rest=${rest#*/} ;; *) rest= ;; esac
    case $part in
      '' | .) ;;
      ..) out=${out%/*} ;;
      *) out=$out/$part ;;
    esac
  done
  R=${out:-/}
}

# if exist: files, folders and names with * and ?.
exists() {
  path "$1"
  case $R in
    '') return 1 ;;
    [nN][uU][lL] | */[nN][uU][lL]) [ -d "${R%[nN][uU][lL]}." ] ;;
    *[\*?]*) matches "$1" all; [ -n "$R" ] ;;
    */) [ -d "$R" ] ;;
    *) [ -e "$R" ] ;;
  esac
}

# Sets R to the paths that fit a name with * and ?, one a line, in the order of the letters. $2: files, folders or all.
matches() {
  local folder name found= entry kind=$2
  path "$1"
  case $R in
    */*) folder=${R%/*}/; name=${R##*/} ;;
    *) folder= name=$R ;;
  esac
  case $name in
    *.\*) [ "${name%.\*}" = '*' ] && name='*' ;;
  esac
  any_case "$name" '*?'
  name=$R
  case $name in
    \**) name="$name$NL.[!.]$name" ;;
  esac
  R=
  for entry in $name; do
    set +f
    for entry in "$folder"$entry; do
      case $kind in
        files) [ -f "$entry" ] || continue ;;
        folders) [ -d "$entry" ] || continue ;;
        *) [ -e "$entry" ] || continue ;;
      esac
      case $NL$R in *"$NL$entry$NL"*) ;; *) R=$R$entry$NL ;; esac
    done
    set -f
  done
  case $R in
    *[ABCDEFGHIJKLMNOPQRSTUVWXYZ]* | *$NL*$NL*) R=$(printf %s "$R" | LC_ALL=C sort -f)${R:+$NL} ;;
  esac
}

# Sets R to the parts of a path that the letters of %~...1 ask for.
parts() {
  local kinds=$1 name drive out= full size
  unquote "$2"
  name=$R
  case $kinds in '' | s) return 0 ;; esac
  [ -n "$name" ] || return 0
  case $kinds in
    *[fdpatz]*) whole_path "$name"; full=$R; shown_path "$full"; name=$R ;;
    *)
      case $name in *[\\/]. | *[\\/].. | . | ..) whole_path "$name"; name=$R ;; esac
      ;;
  esac
  case $kinds in *a*)
    if [ -d "$full" ]; then out='d--------'; elif [ -e "$full" ]; then out='--a------'; fi ;;
  esac
  case $kinds in *t*)
    [ ! -e "$full" ] || out="$out${out:+ }$(date -r "$full" '+%m/%d/%Y %I:%M %p')" ;;
  esac
  case $kinds in *z*)
    if [ -d "$full" ]; then out="$out${out:+ }0"
    elif [ -e "$full" ]; then size=$(wc -c <"$full"); out="$out${out:+ }$((size))"; fi ;;
  esac
  case $kinds in
    *f*) out="$out${out:+ }$name" ;;
    *[dpnx]*)
      size=
      case $kinds in *p*)
        case $full in
          "$root") case $name in */*) size=${name%/*}/ ;; *) size=\\ ;; esac ;;
          "$root"/*) size=${full%/*}; case $size in "$root") size=$root\\ ;; *) shown_path "$size"; size=$R\\ ;; esac ;;
          *) size=${full%/*}; shown_path "$size"; size=$R\\ ;;
        esac ;;
      esac
      name=${name##*[\\/:]}
      case $kinds in *n*) case $name in *.*) size=$size${name%.*} ;; *) size=$size$name ;; esac ;; esac
      case $kinds in *x*) case $name in *.*) size=$size.${name##*.} ;; esac ;; esac
      [ -z "$size" ] || out="$out${out:+ }$size"
      ;;
  esac
  R=$out
}

# %~$PATH:1: sets R to the first place of a file in the folders of a variable. $1: letters, $2: name, $3: variable.
parts_along() {
  local rest folder name
  unquote "$2"
  name=$R
  value_of "$3"
  rest=.\;$R\;
  while [ -n "$rest" ]; do
    folder=${rest%%;*}
    rest=${rest#*;}
    [ -n "$folder" ] || continue
    path "$folder\\$name"
    if [ -f "$R" ]; then parts "${1:-f}" "$R"; return 0; fi
  done
  R=
}

# Opens a file for > or >>: sets R to it. Tells what is wrong in cmd's words otherwise.
target() {
  path "$1"
  case $R in
    */[nN][uU][lL] | [nN][uU][lL] | [cC][oO][nN] | [cC][oO][nN]OUT\$) R=/dev/null; return 0 ;;
  esac
  if [ -d "$R" ]; then
    printf '%s\n' 'Access is denied.' >&2
  elif [ "$R" != "${R%/*}" ] && [ ! -d "${R%/*}/" ]; then
    printf '%s\n' 'The system cannot find the path specified.' >&2
  else
    return 0
  fi
  code=1
  return 1
}

# Opens a file for <: sets R to it.
origin() {
  path "$1"
  case $R in [nN][uU][lL] | [cC][oO][nN]) R=/dev/null; return 0 ;; esac
  [ -f "$R" ] && return 0
  printf '%s\n' 'The system cannot find the file specified.' >&2
  code=1
  return 1
}
