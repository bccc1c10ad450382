# Sets R to %DATE%, as Windows writes it in the United States.
today() {
  R=$(LC_ALL=C date '+%a %m/%d/%Y')
}

# Sets R to %TIME%.
now() {
  R=$(date '+%H:%M:%S.%N')
  case $R in *.[0-9][0-9]*) R=${R%"${R#???????????}"} ;; *) R=${R%.*}.00 ;; esac
  case $R in 0*) R=" ${R#0}" ;; esac
}

# Sets R to a number from 0 to 32767.
random() {
  R=$(od -An -N2 -tu2 /dev/urandom)
  R=$((R % 32768))
}

# date /t
show_date() {
  LC_ALL=C date '+%a %m/%d/%Y '
  leave 0
}

# time /t
show_time() {
  LC_ALL=C date '+%I:%M %p'
  leave 0
}

# wmic os get localdatetime: shows a table, or with `list` NAME=value.
local_date_time() {
  local time zone fraction
  time=$(date '+%Y%m%d%H%M%S %z %N')
  zone=${time#* }
  time=${time%% *}
  fraction=${zone#* }
  zone=${zone%% *}
  case $fraction in [0-9][0-9][0-9]*) fraction=${fraction%"${fraction#???}"} ;; *) fraction=000 ;; esac
  time=$time.${fraction}000${zone%????}
  # The zone is in minutes. A 1 before two digits keeps them from being octal.
  zone=${zone#?}
  time=$time$(printf %03d $((1${zone%??} * 60 + 1${zone#??} - 6100)))
  if [ -n "${1-}" ]; then
    printf '\n\nLocalDateTime=%s\n\n\n' "$time"
  else
    printf '%-27s\n%-27s\n\n' LocalDateTime "$time"
  fi
  leave 0
}

# Waits for some seconds.
wait_seconds() {
  number "$1" || { complain 'ERROR: Invalid value for timeout specified.' 1; return; }
  [ "$R" -le 0 ] || sleep "$R"
  leave 0
}

# ver
show_version() {
  printf '\nMicrosoft Windows [Version 10.0.14393]\n'
  leave 0
}

# vol
show_volume() {
  printf ' Volume in drive D has no label.\n Volume Serial Number is 0000-0000\n'
  leave 0
}

# chcp: shows the code page, or takes another one, which changes nothing here.
change_code_page() {
  printf 'Active code page: %s\n' "${1:-65001}"
  leave 0
}

# pause: nobody is there to press a key.
pause() {
  printf 'Press any key to continue . . . \n'
  leave 0
}

# hostname
show_host() {
  uname -n
  leave 0
}

# whoami
show_user() {
  id -un 2>/dev/null || id -u
  leave 0
}

# tree: shows the folders below one, and with /f the files.
show_tree() {
  local rest=$1 word list=. kind='-type d'
  while next_word; do
    case $word in /[fF]) kind= ;; /[aA]) ;; *) list=$word ;; esac
  done
  path "$list"
  IFS=' '
  find "$R" $kind | LC_ALL=C sort -f
  IFS=$NL
  leave 0
}
