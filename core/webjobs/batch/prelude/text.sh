# Sets R to the text in capitals.
upper() {
  local text=$1 char
  case $1 in *[abcdefghijklmnopqrstuvwxyz]*) ;; *) R=$1; return 0 ;; esac
  R=
  while [ -n "$text" ]; do
    char=${text%"${text#?}"}
    text=${text#?}
    case $char in
      a) char=A ;; b) char=B ;; c) char=C ;; d) char=D ;; e) char=E ;; f) char=F ;; g) char=G ;; h) char=H ;; i) char=I ;;
      j) char=J ;; k) char=K ;; l) char=L ;; m) char=M ;; n) char=N ;; o) char=O ;; p) char=P ;; q) char=Q ;; r) char=R ;;
      s) char=S ;; t) char=T ;; u) char=U ;; v) char=V ;; w) char=W ;; x) char=X ;; y) char=Y ;; z) char=Z ;;
    esac
    R=$R$char
  done
}

# Tells whether two texts are the same but for their case.
same() {
  [ "$1" = "$2" ] && return 0
  [ "${#1}" -eq "${#2}" ] || return 1
  local left
  upper "$1"
  left=$R
  upper "$2"
  [ "$left" = "$R" ]
}

# Sets R to a pattern of sh that fits the text in any case. $2: characters that stay signs of the pattern.
any_case() {
  local text=$1 char
  R=
  while [ -n "$text" ]; do
    char=${text%"${text#?}"}
    text=${text#?}
    case $char in
      [aA]) char='[aA]' ;; [bB]) char='[bB]' ;; [cC]) char='[cC]' ;; [dD]) char='[dD]' ;; [eE]) char='[eE]' ;;
      [fF]) char='[fF]' ;; [gG]) char='[gG]' ;; [hH]) char='[hH]' ;; [iI]) char='[iI]' ;; [jJ]) char='[jJ]' ;;
      [kK]) char='[kK]' ;; [lL]) char='[lL]' ;; [mM]) char='[mM]' ;; [nN]) char='[nN]' ;; [oO]) char='[oO]' ;;
      [pP]) char='[pP]' ;; [qQ]) char='[qQ]' ;; [rR]) char='[rR]' ;; [sS]) char='[sS]' ;; [tT]) char='[tT]' ;;
      [uU]) char='[uU]' ;; [vV]) char='[vV]' ;; [wW]) char='[wW]' ;; [xX]) char='[xX]' ;; [yY]) char='[yY]' ;;
      [zZ]) char='[zZ]' ;;
      [\*?]) case ${2-} in *"$char"*) ;; *) char="[$char]" ;; esac ;;
      [\\\[]) char="\\$char" ;;
    esac
    R=$R$char
  done
}

# Sets R to the text without quotes at its ends.
unquote() {
  R=${1#\"}
  R=${R%\"}
}

# Sets R to the text without any quote.
without_quotes() {
  local rest=$1
  R=
  while :; do
    case $rest in
      *\"*) R=$R${rest%%\"*}; rest=${rest#*\"} ;;
      *) R=$R$rest; return 0 ;;
    esac
  done
}

# Takes the next word off `rest` into `word`: blanks , ; and = separate, quotes stay and keep together.
next_word() {
  local piece
  while :; do
    case $rest in [\ "$TAB",\;=]*) rest=${rest#?} ;; *) break ;; esac
  done
  word=
  while [ -n "$rest" ]; do
    case $rest in
      \"*\"*) piece=${rest#\"}; piece=\"${piece%%\"*}\" ;;
      \"*) piece=$rest ;;
      [\ "$TAB",\;=]*) break ;;
      *) piece=${rest%%[\ \""$TAB",\;=]*} ;;
    esac
    word=$word$piece
    rest=${rest#"$piece"}
  done
  [ -n "$word" ]
}

# Takes the next word off `rest` into `word` as Windows programs split their command line: without quotes.
next_argument() {
  local piece quoted=
  while :; do
    case $rest in [\ "$TAB"]*) rest=${rest#?} ;; *) break ;; esac
  done
  word=
  [ -n "$rest" ] || return 1
  while [ -n "$rest" ]; do
    case $rest in
      \\*)
        piece=${rest%%[!\\]*}
        rest=${rest#"$piece"}
        case $rest in
          \"*)
            while [ "${#piece}" -ge 2 ]; do word=$word\\; piece=${piece#??}; done
            [ -z "$piece" ] || { word=$word\"; rest=${rest#\"}; }
            ;;
          *) word=$word$piece ;;
        esac
        ;;
      \"*)
        rest=${rest#\"}
        if [ -z "$quoted" ]; then
          quoted=1
        else
          case $rest in \"*) word=$word\"; rest=${rest#\"} ;; *) quoted= ;; esac
        fi
        ;;
      [\ "$TAB"]*)
        [ -n "$quoted" ] || return 0
        word=$word${rest%"${rest#?}"}
        rest=${rest#?}
        ;;
      *)
        piece=${rest%%[\ \"\\"$TAB"]*}
        word=$word$piece
        rest=${rest#"$piece"}
        ;;
    esac
  done
}

# Sets R to %X:~start,length% of a value; $4 is 1 when the length is given.
substring() {
  local text=$1 size=${#1} from=$2 to cut=
  if [ -z "$text" ]; then
    R="~$2${4:+,$3}"
    return 0
  fi
  number "$from"; from=$R
  [ "$from" -ge 0 ] || from=$((size + from))
  [ "$from" -ge 0 ] || from=0
  [ "$from" -le "$size" ] || from=$size
  to=$size
  if [ -n "$4" ]; then
    number "$3"; to=$R
    if [ "$to" -ge 0 ]; then to=$((from + to)); else to=$((size + to)); fi
  fi
  [ "$to" -le "$size" ] || to=$size
  R=
  [ "$to" -gt "$from" ] || return 0
  while [ "${#cut}" -lt "$from" ]; do cut=$cut'?'; done
  text=${text#$cut}
  cut=
  to=$((size - to))
  while [ "${#cut}" -lt "$to" ]; do cut=$cut'?'; done
  R=${text%$cut}
}

# Sets R to %X:search=new% of a value, whatever the case of what is searched for.
replace() {
  local rest=$1 found pattern out=
  if [ -z "$rest" ]; then
    R="$2=$3"
    return 0
  fi
  case $2 in
    \**)
      any_case "${2#?}"
      pattern=$R
      case $rest in *$pattern*) R=$3${rest#*$pattern} ;; *) R=$rest ;; esac
      return 0
      ;;
  esac
  any_case "$2"
  pattern=$R
  while :; do
    case $rest in
      *$pattern*) out=$out${rest%%$pattern*}$3; rest=${rest#*$pattern} ;;
      *) break ;;
    esac
  done
  R=$out$rest
}
