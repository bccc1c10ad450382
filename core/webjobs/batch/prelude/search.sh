# find: lines that hold a text.
find_text() {
  local rest=$1 word text= given= ignore= invert= numbers= counts= list= entry found= mode= R
  while next_word; do
    case $word in
      /[iI]) ignore=1 ;;
      /[vV]) invert=1 ;;
      /[nN]) numbers=1 ;;
      /[cC]) counts=1 ;;
      /[oO][fF][fF]*) ;;
      /[iIvVnNcC]/[iIvVnNcC] | /[iIvVnNcC]/[iIvVnNcC]/[iIvVnNcC])
        case $word in *[iI]*) ignore=1 ;; esac
        case $word in *[vV]*) invert=1 ;; esac
        case $word in *[nN]*) numbers=1 ;; esac
        case $word in *[cC]*) counts=1 ;; esac
        ;;
      \"*) if [ -n "$given" ]; then list=$list$word$NL; else unquote "$word"; text=$R given=1; fi ;;
      *) list=$list$word$NL ;;
    esac
  done
  [ -n "$given" ] || { complain 'FIND: Parameter format not correct' 2; return; }
  # find "" fits no line at all, and find /v "" all of them.
  [ -n "$text" ] || { if [ -n "$invert" ]; then mode=all; else mode=none; fi; }
  if [ -z "$list" ]; then
    find_lines && found=1
  else
    for word in $list; do
      case $word in *[\*?]*) matches "$word" files ;; *) path "$word"; R=$R$NL ;; esac
      for entry in $R; do
        upper "$entry"
        backslashes "$R"
        if [ ! -f "$entry" ]; then printf 'File not found - %s\n' "$R"; continue; fi
        if [ -n "$counts" ]; then printf '\n---------- %s: ' "$R"; else printf '\n---------- %s\n' "$R"; fi
        find_lines <"$entry" && found=1
      done
    done
  fi
  if [ -n "$found" ]; then leave 0; else fail 1; fi
}

# Shows the lines of the input that fit find_text; fails when none does.
find_lines() {
  MODE=$mode TEXT=$text IGNORE=$ignore INVERT=$invert NUMBERS=$numbers COUNTS=$counts LC_ALL=C awk '
    BEGIN { text = ENVIRON["TEXT"]; if (ENVIRON["IGNORE"]) text = toupper(text) }
    {
      line = $0; sub(/\r$/, "", line)
      test = ENVIRON["IGNORE"] ? toupper(line) : line
      fits = ENVIRON["MODE"] == "all" ? 1 : ENVIRON["MODE"] == "none" ? 0 : index(test, text) > 0
      if (ENVIRON["MODE"] == "" && ENVIRON["INVERT"]) fits = !fits
      if (!fits) next
      found++
      if (!ENVIRON["COUNTS"]) print (ENVIRON["NUMBERS"] ? "[" NR "]" : "") line
    }
    END { if (ENVIRON["COUNTS"]) print found + 0; exit !found }'
}

# findstr: lines that fit texts or expressions.
find_strings() {
  local rest=$1 word patterns= ignore= invert= numbers= exact= begins= ends= kind= below= names= only_names= list= entry found= many= R
  while next_word; do
    case $word in
      /[cC]:*) unquote "${word#???}"; without_quotes "$R"; patterns=$patterns$R$NL; kind=${kind:-literal} ;;
      \"/[cC]:*) without_quotes "$word"; patterns=$patterns${R#???}$NL; kind=${kind:-literal} ;;
      /[gG]:*)
        path "${word#???}"
        [ -f "$R" ] || { complain "FINDSTR: Cannot open $R" 2; return; }
        patterns=$patterns$(sed "s/$CR\$//" <"$R")$NL
        kind=${kind:-literal}
        ;;
      /[aA]:* | /[oO][fF][fF]* | /[pP]) ;;
      /[lLrRiIvVnNxXbBeEsSmMoO]*)
        upper "$word"
        word=$R
        case ${word#/} in
          *[!LRIVNXBESMO/]*) list=$list$word$NL; continue ;;
        esac
        case $word in *L*) kind=literal ;; esac
        case $word in *R*) kind=expression ;; esac
        case $word in *I*) ignore=1 ;; esac
        case $word in *V*) invert=1 ;; esac
        case $word in *N*) numbers=1 ;; esac
        case $word in *X*) exact=1 ;; esac
        case $word in *B*) begins=1 ;; esac
        case $word in *E*) ends=1 ;; esac
        case $word in *S*) below=1 ;; esac
        case $word in *M*) only_names=1 ;; esac
        ;;
      *)
        if [ -z "$patterns" ]; then
          without_quotes "$word"
          # A text without /c: is several, at the blanks; they are expressions.
          IFS=' '
          for word in $R; do IFS=$NL; patterns=$patterns$word$NL; done
          IFS=$NL
          kind=${kind:-expression}
        else
          list=$list$word$NL
        fi
        ;;
    esac
  done
  [ -n "$patterns" ] || { complain 'FINDSTR: Bad command line' 2; return; }
  expressions "$patterns"
  patterns=$R
  if [ -z "$list" ]; then
    find_expressions '' && found=1
  else
    for word in $list; do
      case $word in *[\*?]*) many=1 ;; esac
    done
    case $list in *"$NL"*"$NL"*) many=1 ;; esac
    [ -z "$below" ] || many=1
    for word in $list; do
      if [ -n "$below" ]; then
        files_below "$word"
      else
        case $word in *[\*?]*) matches "$word" files ;; *) path "$word"; R=$R$NL ;; esac
      fi
      for entry in $R; do
        [ -f "$entry" ] || { printf 'FINDSTR: Cannot open %s\n' "$entry" >&2; continue; }
        backslashes "${entry#./}"
        if [ -n "$only_names" ]; then
          find_expressions '' <"$entry" >/dev/null && { printf '%s\n' "$R"; found=1; }
        else
          find_expressions "${many:+$R:}" <"$entry" && found=1
        fi
      done
    done
  fi
  if [ -n "$found" ]; then leave 0; else fail 1; fi
}

# Sets R to extended expressions for patterns of findstr, one a line.
expressions() {
  R=$(printf %s "$1" | KIND=$kind EXACT=$exact BEGINS=$begins ENDS=$ends LC_ALL=C awk '
    {
      out = ""; n = length($0)
      for (i = 1; i <= n; i++) {
        c = substr($0, i, 1); d = substr($0, i + 1, 1)
        if (c == "\\" && d != "") {
          if (ENVIRON["KIND"] == "literal") {
            # Only a quote and a backslash are escaped in a text.
            if (d == "\\" || d == "\"") { out = out (d == "\\" ? "\\\\" : d); i++ } else out = out "\\\\"
          } else if (d == "<" || d == ">") { out = out "\\" d; i++ }
          else { out = out (d ~ /[A-Za-z0-9 "=:,;_\/-]/ ? d : "\\" d); i++ }
        } else if (ENVIRON["KIND"] == "literal") {
          out = out (c ~ /[].*^$+?(){}|\\[]/ ? "\\" c : c)
        } else if (c == "[") {
          e = index(substr($0, i + 2), "]")
          if (!e) out = out "\\["
          else { out = out substr($0, i, e + 2); i += e + 1 }
        } else out = out (c ~ /[+?(){}|]/ ? "\\" c : c)
      }
      if (ENVIRON["EXACT"] || ENVIRON["BEGINS"]) out = "^" out
      if (ENVIRON["EXACT"] || ENVIRON["ENDS"]) out = out "$"
      print out
    }')
}

# Shows the lines of the input that fit one of the expressions, each behind a name; fails when none does.
find_expressions() {
  local result
  if [ -z "$1" ]; then
    sed "s/$CR\$//" | LC_ALL=C grep -E ${ignore:+-i} ${invert:+-v} ${numbers:+-n} -e "$patterns"
  else
    # The name comes from awk, which reads it as data.
    sed "s/$CR\$//" | LC_ALL=C grep -E ${ignore:+-i} ${invert:+-v} ${numbers:+-n} -e "$patterns" |
      NAME=$1 awk '{ print ENVIRON["NAME"] $0 } END { exit !NR }'
  fi
}

# sort: sorts lines, whatever their case.
sort_lines() {
  local rest=$1 word reverse= unique= output= column=1 file=
  while next_word; do
    case $word in
      /[rR] | /[rR][eE]*) case $word in /[rR][eE][cC]*) next_word || : ;; *) reverse=1 ;; esac ;;
      /[uU][nN]*) unique=1 ;;
      /+[0-9]*) column=${word#/+} ;;
      /[oO] | /[oO][uU]*) next_word || :; path "$word"; output=$R ;;
      /[mMtTlL]*) next_word || : ;;
      *) file=$word ;;
    esac
  done
  if [ -n "$file" ]; then
    path "$file"
    [ -f "$R" ] || { complain "$R"'The system cannot find the file specified.' 1; return; }
    file=$R
  fi
  {
    if [ -n "$file" ]; then sed "s/$CR\$//" <"$file"; else sed "s/$CR\$//"; fi
  } | LC_ALL=C sort -f ${reverse:+-r} ${unique:+-u} -k "1.$column" | if [ -n "$output" ]; then cat >"$output"; else cat; fi
  leave 0
}

# more: shows a text without pauses.
show_more() {
  local rest=$1 word list=
  while next_word; do
    case $word in /* | +[0-9]*) [ ! -e "$word" ] || list=$list$word$NL ;; *) list=$list$word$NL ;; esac
  done
  if [ -n "$list" ]; then
    for word in $list; do
      path "$word"
      case $R in [nN][uU][lL]) continue ;; esac
      [ -f "$R" ] || { complain "Cannot access file $R" 1; return; }
      cat -- "$R"
    done
  else
    cat
  fi
  leave 0
}
