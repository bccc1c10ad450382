# xcopy: copies files and trees of folders.
xcopy_files() {
  local rest=$1 word list= below= empty= quiet= only_list= folder_wanted= from to entry count=0 name relative top pattern
  while next_word; do
    case $word in
      /? | /-? | /?/? | /?/?/? | /?/?/?/? | /?/?/?/?/?)
        # Options may stand together: /s/e/y.
        upper "$word/"
        case $R in */S/*) below=1 ;; esac
        case $R in */E/*) below=1 empty=1 ;; esac
        case $R in */I/*) folder_wanted=1 ;; esac
        case $R in */Q/*) quiet=1 ;; esac
        case $R in */L/*) only_list=1 ;; esac
        ;;
      *) list=$list$word$NL ;;
    esac
  done
  case $list in
    '') complain 'Invalid number of parameters' 4; return ;;
    *"$NL"*"$NL"*) to=${list#*"$NL"}; to=${to%%"$NL"*} ;;
    *) to=. ;;
  esac
  word=${list%%"$NL"*}
  case $to in *\\ | *\\\" | */) folder_wanted=1 ;; esac
  path "$to"
  to=${R%/}
  path "$word"
  from=${R%/}
  if [ -d "$from" ]; then
    top=$from pattern='*' folder_wanted=1
  else
    case $from in */*) top=${from%/*} pattern=${from##*/} ;; *) top=. pattern=$from ;; esac
    case $pattern in *[\*?]*) folder_wanted=1 ;; esac
  fi
  if [ -n "$below" ]; then entry=$(cd -- "$top" 2>/dev/null && find . -type d | LC_ALL=C sort -f); else entry=.; fi
  for relative in $entry; do
    relative=${relative#.}
    matches "$top$relative/$pattern" files
    name=$R
    [ -z "$empty" ] || [ -n "$only_list" ] || mkdir -p -- "$to$relative"
    for word in $name; do
      if [ -n "$folder_wanted" ] || [ -d "$to" ]; then set -- "$to$relative" "${word##*/}"; else set -- "" "$to"; fi
      if [ -z "$only_list" ]; then
        [ -z "$1" ] || mkdir -p -- "$1" 2>/dev/null || { complain "Unable to create directory - $1" 4; return; }
        put_file "$word" "${1:+$1/}$2" || { fail 4; return; }
      fi
      count=$((count + 1))
      [ -n "$quiet" ] || { backslashes "${word#./}"; printf '%s\n' "$R"; }
    done
  done
  if [ "$count" -eq 0 ]; then
    case $pattern in
      *[\*?]*) ;;
      *) printf 'File not found - %s\n' "$pattern"; printf '0 File(s) copied\n'; fail 4; return ;;
    esac
  fi
  printf '%s File(s)%s\n' "$count" "${only_list:+}$([ -n "$only_list" ] || printf ' copied')"
  leave 0
}

# robocopy: copies a folder. Its code says what was done: 1 files copied, 2 more in the destination, 8 failures, 16 wrong.
robocopy() {
  local rest=$1 word from= to= files= below= empty= purge= move= only_list= not_files= not_folders= mode= silent= log= \
    result=0 copied=0 skipped=0 extra=0 failed=0 relative folders entry name old
  while next_word; do
    upper "$word"
    case $R in
      /S) below=1; mode= ;;
      /E) below=1 empty=1; mode= ;;
      /MIR) below=1 empty=1 purge=1; mode= ;;
      /PURGE) purge=1; mode= ;;
      /MOV) move=files; mode= ;;
      /MOVE) move=all; mode= ;;
      /L) only_list=1; mode= ;;
      /XF) mode=files ;;
      /XD) mode=folders ;;
      /XO) old=1; mode= ;;
      /NP | /NFL | /NDL | /NJH | /NJS | /NC | /NS | /Z | /B | /ZB | /R:* | /W:* | /MT | /MT:* | /COPY:* | /DCOPY:* | /COPYALL | \
        /V | /ETA | /FP | /TEE | /IS | /IT | /XX | /XJ | /XJD | /XJF | /FFT | /DST | /TS | /BYTES | /J | /NODCOPY | /REG | \
        /UNICODE | /X | /A-:* | /A+:*) mode= ;;
      /LOG:* | /LOG+:* | /UNILOG:* | /UNILOG+:*)
        mode=
        log=$R
        path "${word#*:}"
        case $log in *+:*) ;; *) : >"$R" ;; esac
        log=$R
        ;;
      *)
        without_quotes "$word"
        case $mode in
          files) not_files=$not_files$R$NL ;;
          folders) not_folders=$not_folders$R$NL ;;
          *)
            if [ -z "$from" ]; then from=$word; elif [ -z "$to" ]; then to=$word; else files=$files$R$NL; fi
            ;;
        esac
        ;;
    esac
  done
  if [ -z "$to" ]; then complain 'ERROR : No Destination Directory Specified.' 16; return; fi
  path "$from"; from=${R%/}
  path "$to"; to=${R%/}
  if [ ! -d "$from" ]; then
    printf 'ERROR 2 (0x00000002) Accessing Source Directory %s\nThe system cannot find the file specified.\n' "$from" >&2
    fail 16
    return
  fi
  [ -n "$files" ] || files=*$NL
  if [ -n "$only_list" ]; then :; else mkdir -p -- "$to" 2>/dev/null || { complain 'ERROR 5 (0x00000005) Creating Destination Directory' 16; return; }; fi
  if [ -n "$below" ]; then folders=$(cd -- "$from" && find . -type d | LC_ALL=C sort -f); else folders=.; fi
  for relative in $folders; do
    relative=${relative#.}
    excluded "$relative" "$not_folders" "$from" && continue
    for word in $files; do
      case $word in *.\*) [ "$word" != '*.*' ] || word='*' ;; esac
      matches "$from$relative/$word" files
      for entry in $R; do
        name=${entry##*/}
        excluded "/$name" "$not_files" "$from$relative" && { skipped=$((skipped + 1)); continue; }
        if [ -f "$to$relative/$name" ] && cmp -s "$entry" "$to$relative/$name"; then
          skipped=$((skipped + 1))
        elif [ -n "${old-}" ] && [ -f "$to$relative/$name" ] && [ -z "$(find "$entry" -newer "$to$relative/$name")" ]; then
          skipped=$((skipped + 1))
        elif [ -n "$only_list" ]; then
          copied=$((copied + 1))
        elif mkdir -p -- "$to$relative" && put_file "$entry" "$to$relative/$name"; then
          copied=$((copied + 1))
        else
          failed=$((failed + 1))
          continue
        fi
        [ -z "$move" ] || [ -n "$only_list" ] || rm -f -- "$entry"
      done
    done
    [ -z "$empty" ] || [ -n "$only_list" ] || mkdir -p -- "$to$relative"
    if [ -d "$to$relative" ]; then
      matches "$to$relative/*" all
      for entry in $R; do
        name=${entry##*/}
        [ ! -e "$from$relative/$name" ] || continue
        [ -n "$below" ] || [ -n "$purge" ] || [ -f "$entry" ] || continue
        case $move in ?*) continue ;; esac
        excluded "/$name" "$not_files" "$to$relative" && continue
        excluded "$relative/$name" "$not_folders" "$to" && continue
        extra=$((extra + 1))
        [ -z "$purge" ] || [ -n "$only_list" ] || rm -rf -- "$entry"
      done
    fi
  done
  [ "$move" != all ] || find "$from" -depth -type d -exec rmdir {} \; 2>/dev/null
  [ "$copied" -eq 0 ] || result=$((result | 1))
  [ "$extra" -eq 0 ] || result=$((result | 2))
  [ "$failed" -eq 0 ] || result=$((result | 8))
  upper " $1 "
  case $R in
    *" /NJS "*) ;;
    *)
      if [ -n "$log" ]; then
        printf '   Files : %9s copied %9s skipped %9s failed %9s extras\n' "$copied" "$skipped" "$failed" "$extra" >>"$log"
      else
        printf '   Files : %9s copied %9s skipped %9s failed %9s extras\n' "$copied" "$skipped" "$failed" "$extra"
      fi
      ;;
  esac
  leave "$result"
}

# Tells whether a name below a folder is one of those that robocopy leaves out.
excluded() {
  local name below=$1 pattern before=$R
  [ -n "$2" ] || return 1
  for pattern in $2; do
    case $pattern in
      *[\\/]*)
        whole_path "$pattern"
        pattern=$R
        whole_path "$3$1"
        case $R/ in "$pattern"/*) R=$before; return 0 ;; esac
        ;;
      *)
        any_case "$pattern" '*?'
        case $below/ in */$R/*) R=$before; return 0 ;; esac
        ;;
    esac
  done
  R=$before
  return 1
}
