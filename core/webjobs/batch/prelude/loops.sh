# Sets R to the items of `for`, one a line; names with * and ? are files, or folders with `folders`.
items() {
  local rest=$1 word out= kind=${2:-files} prefix
  while next_word; do
    case $word in
      *[\*?]*)
        without_quotes "$word"
        prefix=$R
        matches "$R" "$kind"
        case $prefix in
          *\\*) as_written "${prefix%\\*}\\" ;;
          */*) as_written "${prefix%/*}/" ;;
        esac
        out=$out$R
        ;;
      *) out=$out$word$NL ;;
    esac
  done
  R=$out
}

# Puts the folder as the file writes it before the names in R.
as_written() {
  local entry out=
  for entry in $R; do out=$out$1${entry##*/}$NL; done
  R=$out
}

# Sets R to the numbers of for /l, one a line.
count() {
  local at step last out= rest=$1 word
  next_word || :; number "${word:-0}" || :; at=$R
  next_word || :; number "${word:-0}" || :; step=$R
  next_word || :; number "${word:-0}" || :; last=$R
  if [ "$step" -ge 0 ]; then
    while [ "$at" -le "$last" ]; do out=$out$at$NL; at=$((at + step)); done
  else
    while [ "$at" -ge "$last" ]; do out=$out$at$NL; at=$((at + step)); done
  fi
  R=$out
}

# Sets R to the folder and all folders below it, one a line, for `for /r`.
tree_folders() {
  local entry out=
  path "${1:-.}"
  out=$(find "$R" -type d 2>/dev/null | LC_ALL=C sort -f)
  R=$out
}

# Sets R to the items of for /r: each item in each folder; names with * and ? only where they exist. $3: folders or files.
tree_items() {
  local folder word rest out= top
  tree_folders "$1"
  top=$R
  for folder in $top; do
    whole_path "$folder"
    folder=$R
    rest=$2
    while next_word; do
      without_quotes "$word"
      case $R in
        *[\*?]*) matches "$folder/$R" "$3"; shown_lines; out=$out$R ;;
        .) shown_path "$folder"; out=$out$R\\.$NL ;;
        *) word=$R; shown_path "$folder"; out=$out$R\\$word$NL ;;
      esac
    done
  done
  R=$out
}

# Shows each path in R as the job sees it.
shown_lines() {
  local entry list=$R out=
  for entry in $list; do shown_path "$entry"; out=$out$R$NL; done
  R=$out
}

# Sets R to the lines of files, for `for /f`. Fails when one can't be found.
file_lines() {
  local rest=$1 word out=
  while next_word; do
    path "$word"
    [ -f "$R" ] || { missing "$word"; R=; return 1; }
    out=$out$(cat -- "$R")$NL
  done
  R=$out
  without_returns
}

# Sets R to the lines that a value stands for in `for /f`: a text in quotes, or files.
value_lines() {
  case $1 in
    \"*\") unquote "$1" ;;
    \'*\')
      printf 'for /f: a command that is known only now does not run: %s\n' "$1" >&2
      R=
      ;;
    *) file_lines "$1" || : ;;
  esac
}

# Tells that there is no such file.
missing() {
  without_quotes "$1"
  printf 'The system cannot find the file %s.\n' "$R" >&2
  code=1 R=
}

# Takes the carriage returns at the ends of lines out of R.
without_returns() {
  case $R in *"$CR"*) R=$(printf '%s\n' "$R" | sed "s/$CR\$//") ;; esac
}

# Leaves out the first lines in R. $1: how many.
skip_lines() {
  R=$(printf '%s\n' "$R" | sed "1,$1d")
}

# Takes a line of for /f apart into r1, r2 ...; fails for lines that are left out.
# $1: the line, $2: character of lines to leave out, $3: delimiters as a pattern, $4: numbers of the tokens, with * for the rest.
fields() {
  local rest=$1 number=0 wanted=$4 at=0 piece next
  case $rest in $3*) while :; do case $rest in $3*) rest=${rest#?} ;; *) break ;; esac; done ;; esac
  [ -n "$rest" ] || return 1
  case $2 in ?) case $rest in "$2"*) return 1 ;; esac; case $1 in "$2"*) return 1 ;; esac ;; esac
  while [ -n "$wanted" ]; do
    next=${wanted%%,*}
    case $wanted in *,*) wanted=${wanted#*,} ;; *) wanted= ;; esac
    at=$((at + 1))
    if [ "$next" = '*' ]; then
      piece=$rest
      rest=
    else
      piece=
      while [ "$number" -lt "$next" ]; do
        case $rest in
          *$3*) piece=${rest%%$3*}; rest=${rest#"$piece"} ;;
          *) piece=$rest; rest= ;;
        esac
        while :; do case $rest in $3*) rest=${rest#?} ;; *) break ;; esac; done
        number=$((number + 1))
      done
    fi
    # at is a number from 1 to 26.
    eval "r$at=\$piece"
    [ "$at" -ne 1 ] || [ -n "$piece" ] || [ "$next" = '*' ] || return 1
  done
}
