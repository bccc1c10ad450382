# Sets R to the whole number that the text begins with, as cmd reads it: decimal, 0x.. or 0..; else 0. Fails then.
number() {
  local text=$1 sign= digits
  while :; do case $text in [\ "$TAB"]*) text=${text#?} ;; *) break ;; esac; done
  case $text in -*) sign=-; text=${text#-} ;; +*) text=${text#+} ;; esac
  R=0
  case $text in
    0[xX][0-9a-fA-F]*)
      digits=${text#??}
      digits=${digits%%[!0-9a-fA-F]*}
      R=$sign$((0x$digits))
      [ "$text" = "${text%"$digits"}$digits" ]
      ;;
    0[0-7]*)
      digits=${text%%[!0-7]*}
      R=$sign$(($digits))
      [ "$text" = "$digits" ]
      ;;
    [0-9]*)
      digits=${text%%[!0-9]*}
      case $digits in ????????????????*) R=${sign}2147483647 ;; 0*) ;; *) R=$sign$digits ;; esac
      [ "$text" = "$digits" ]
      ;;
    *) return 1 ;;
  esac
}

# Compares as `if left EQU right` does: by number when both are numbers, else as texts. $4: i for any case.
compare() {
  local left=$1 right=$3 order
  if number "$left" && left=$R && number "$right"; then
    right=$R
    if [ "$left" -lt "$right" ]; then order=-1; elif [ "$left" -gt "$right" ]; then order=1; else order=0; fi
  elif left=$1 && right=$3 && [ "$left" = "$right" ]; then
    order=0
  elif [ -n "$4" ] && same "$left" "$right"; then
    order=0
  else
    # Words come in the order of the dictionary: the case counts only between words that are the same without it.
    upper "$left"; left=$R
    upper "$right"; right=$R
    order=$(A=$left B=$right C=$1 D=$3 LC_ALL=C awk 'BEGIN {
      a = ENVIRON["A"]; b = ENVIRON["B"]; c = ENVIRON["C"]; d = ENVIRON["D"]
      print ((a "" < b "") ? -1 : (a "" > b "") ? 1 : (c "" > d "") ? -1 : 1) }')
  fi
  case $2 in
    EQU) [ "$order" -eq 0 ] ;;
    NEQ) [ "$order" -ne 0 ] ;;
    LSS) [ "$order" -lt 0 ] ;;
    LEQ) [ "$order" -le 0 ] ;;
    GTR) [ "$order" -gt 0 ] ;;
    GEQ) [ "$order" -ge 0 ] ;;
  esac
}

# set /a: reckons a list of expressions, sets variables, and leaves the last value in R.
arithmetic() {
  local text part depth rest char failed=
  without_quotes "$1"
  rest=$R
  while [ -n "$rest" ]; do
    # Commas within parentheses belong to an expression.
    part= depth=0
    while [ -n "$rest" ]; do
      char=${rest%"${rest#?}"}
      rest=${rest#?}
      case $char in
        '(') depth=$((depth + 1)) ;;
        ')') depth=$((depth - 1)) ;;
        ,) [ "$depth" -gt 0 ] || break ;;
      esac
      part=$part$char
    done
    reckon "$part" || return 1
  done
}

# Reckons one expression of set /a, which may begin with `NAME operator=`.
reckon() {
  local text=$1 name operator value
  case $text in
    *[!=]=* | *=*)
      name=${text%%=*}
      text=${text#*=}
      while :; do case $name in *[\ "$TAB"]) name=${name%?} ;; *) break ;; esac; done
      operator=
      case $name in
        *'<<' | *'>>') operator=${name#"${name%??}"}; name=${name%??} ;;
        *'< <') operator='<<'; name=${name%???} ;;
        *'> >') operator='>>'; name=${name%???} ;;
        *[-+*/%\&\|^]) operator=${name#"${name%?}"}; name=${name%?} ;;
      esac
      while :; do case $name in [\ "$TAB"]*) name=${name#?} ;; *[\ "$TAB"]) name=${name%?} ;; *) break ;; esac; done
      case $name in
        '' | *[\ "$TAB"=+*/%\&\|^\<\>\(\)!~,-]*) complain 'Missing operand.' 1073750990; return 1 ;;
      esac
      reckon "$text" || return 1
      value=$R
      if [ -n "$operator" ]; then
        value_of "$name"
        number "$R" || :
        case $R in -*) R="(0$R)" ;; esac
        calculate "$R $operator ($value)" || return 1
        value=$R
      fi
      variable_key "$name"
      put "$R" "$name" "$value"
      R=$value
      ;;
    *)
      operands "$text" || return 1
      calculate "$R"
      ;;
  esac
}

# Sets R to the expression with numbers in place of names, and blanks between all its signs.
operands() {
  local rest=$1 out= piece
  while [ -n "$rest" ]; do
    case $rest in [\ "$TAB"]*) rest=${rest#?}; continue ;; esac
    # Two operands side by side lack a sign.
    case $out in *[0-9\)]) case $rest in [-+*/%\&\|^\<\>\)]*) ;; *) rest== ;; esac ;; esac
    case $rest in
      '<<'* | '>>'*) out="$out ${rest%"${rest#??}"}"; rest=${rest#??} ;;
      [-+*/%\&\|^!~\(\)]*) out="$out ${rest%"${rest#?}"}"; rest=${rest#?} ;;
      [0-9]*)
        piece=${rest%%[!0-9a-zA-Z_]*}
        rest=${rest#"$piece"}
        if ! number "$piece"; then
          complain 'Invalid number.  Numeric constants are either decimal (17),
hexadecimal (0x11), or octal (021).' 1073750992
          return 1
        fi
        out="$out $R"
        ;;
      [,=\<\>]*) complain 'Missing operator.' 1073750989; return 1 ;;
      *)
        piece=${rest%%[\ "$TAB"=+*/%\&\|^\<\>\(\)!~,-]*}
        rest=${rest#"$piece"}
        value_of "$piece"
        number "$R" || :
        case $R in -*) R="(0$R)" ;; esac
        out="$out $R"
        ;;
    esac
  done
  R=$out
}

# Sets R to the value of an expression that holds nothing but numbers, blanks and signs; 32 bits, as in cmd.
calculate() {
  case $1 in
    *[!0-9\ "$TAB"+*/%\&\|^\<\>\(\)!~-]* | '' ) complain 'Missing operand.' 1073750990; return 1 ;;
  esac
  # A shell ends at a division by zero and at a wrong expression: so it happens in another one.
  R=$({ printf '%s' "$(($1))"; } 2>/dev/null) || R=
  if [ -z "$R" ]; then
    case $1 in
      *[/%]*) complain 'Divide by zero error.' 1073750993 ;;
      *) complain 'Missing operand.' 1073750990 ;;
    esac
    return 1
  fi
  R=$(((R & 4294967295) - ((R & 2147483648) << 1)))
}
