# Sets R to the name under which the script keeps a variable: capitals, and other characters as x and two digits.
variable_key() {
  local rest char
  upper "$1"
  rest=$R
  case $R in *[!"$CAPITALS"]*) ;; *) return 0 ;; esac
  R=
  while [ -n "$rest" ]; do
    char=${rest%"${rest#?}"}
    rest=${rest#?}
    case $char in
      ["$CAPITALS"]) R=$R$char ;;
      *) R=$R$(printf %s "$char" | od -An -v -tx1 | tr ' ' x | tr -d '\n') ;;
    esac
  done
}

# Reads variables of the environment, each by the names that the file has for it.
load() {
  local name
  for name in "$@"; do
    variable_key "$name"
    load_one "$R" "$name"
  done
}

# Reads one variable of the environment, whatever the case of its name there. $1: key of the variable.
load_one() {
  local value found
  case $2 in
    [0-9]* | *[!"$CAPITALS"abcdefghijklmnopqrstuvwxyz]* | '') ;;
    *)
      # $2 is a name and nothing else: letters without accents, digits and "_".
      eval "found=\${$2+1} value=\${$2-}"
      if [ -n "$found" ]; then note_value "$1" "$2" "$value"; return 0; fi
      ;;
  esac
  read_environment
  case $NL$names in
    *"$NL$1="*) ;;
    *) return 0 ;;
  esac
  found=${names#*"$1="}
  case $NL$names in "$NL$1="*) ;; *) found=${names#*"$NL$1="} ;; esac
  found=${found%%"$NL"*}
  value=${environment#*"$NL$found="}
  value=${value%%"$NL"*}
  case $value in *"$SOH"*) R=$value; lines_from_marks; value=$R ;; esac
  note_value "$1" "$found" "$value"
}

# Keeps a value that the environment has. The spelling of the name stays for programs.
note_value() {
  [ "$1" != PATH ] || { windows_path "$3"; set -- "$1" "$2" "$R"; }
  # $1 is a key: capitals, digits, "_" and x with two digits.
  eval "v_$1=\$3 n_$1=\$2"
  case $known in *" $1 "*) ;; *) known="$known$1 " ;; esac
}

# Reads the environment that the process began with: sh leaves out names that it can't hold.
read_environment() {
  [ -z "$names" ] || return 0
  environment=$NL$(tr '\n\000' '\001\n' <"/proc/$$/environ" 2>/dev/null || env)
  names=$(printf '%s\n' "$environment" | awk '{
    i = index($0, "="); if (i < 2) next
    n = substr($0, 1, i - 1); key = ""; u = toupper(n)
    if (u !~ /^[A-Z0-9_]+$/) {
      for (j = 1; j <= length(u); j++) {
        c = substr(u, j, 1)
        if (c ~ /[A-Z0-9_]/) { key = key c; continue }
        for (k = 1; k < 256; k++) if (sprintf("%c", k) == c) break
        key = key sprintf("x%02x", k)
      }
    } else key = u
    print key "=" n }')$NL
}

# Puts ends of lines back into R.
lines_from_marks() {
  local rest=$R
  R=
  while :; do
    case $rest in
      *"$SOH"*) R=$R${rest%%"$SOH"*}$NL; rest=${rest#*"$SOH"} ;;
      *) R=$R$rest; return 0 ;;
    esac
  done
}

# Sets a variable by its key and name, for the script and for programs; an empty value removes it.
put() {
  local name
  # Keys are capitals, digits, "_" and x with two digits, so these are assignments and nothing else.
  eval "v_$1=\$3 name=\${n_$1-}"
  if [ -z "$name" ]; then
    # The environment may have it in capitals.
    eval "name=\${$1+\$1}"
    name=${name:-$2}
    eval "n_$1=\$name"
  fi
  case $known in *" $1 "*) ;; *) known="$known$1 " ;; esac
  case $1 in PATH) export_path "$3"; return 0 ;; esac
  case $name in
    [abcdefghijklmnopqrstuvwxyz0-9_]* | *[!"$CAPITALS"abcdefghijklmnopqrstuvwxyz]* | IFS | PS[124] | ENV | OPT[IEA]* | *PWD | LINENO | PPID | R | UID | EUID | BASH* | DIRSTACK | \
      FUNCNAME | GROUPS | HIST* | RANDOM | SECONDS | SHELLOPTS | NL | TAB | CR | SOH | LC_* | LANG | PATH_INFO | MAIL* | TERM)
      # The shell needs these for itself, or can't hold them: `env` gives them to programs.
      case $odd in *" $1 "*) ;; *) odd="$odd$1 " ;; esac
      ;;
    *) if [ -n "$3" ]; then export "$name=$3"; else unset "$name"; fi ;;
  esac
}

# Sets a variable, as `set X=value` does in a .cmd file: ERRORLEVEL is 0 then.
assign() {
  put "$@"
  err=0
}

# Sets R to the value of a variable by its name.
value_of() {
  local key value
  case $1 in
    [eE][rR][rR][oO][rR][lL][eE][vV][eE][lL]) R=$err; return 0 ;;
    [cC][dD]) R=$cwd; return 0 ;;
  esac
  variable_key "$1"
  key=$R
  case $known in *" $key "*) ;; *) load_one "$key" "$1" ;; esac
  # A key is capitals, digits, "_" and x with two digits.
  case $known in *" $key "*) ;; *) known="$known$key "; eval "v_$key=" ;; esac
  eval "R=\$v_$key"
}

# set NAME=value with a name that is known only now.
assign_text() {
  local text=$1 name
  while :; do case $text in [\ "$TAB"]*) text=${text#?} ;; *) break ;; esac; done
  case $text in
    \"*\"*) text=${text#\"}; text=${text%\"*} ;;
    \"*) text=${text#\"} ;;
  esac
  case $text in
    =*) complain 'The syntax of the command is incorrect.' 1; return 1 ;;
    *=*) ;;
    *) list_variables "$text"; return ;;
  esac
  name=${text%%=*}
  variable_key "$name"
  put "$R" "$name" "${text#*=}"
}

# set NAME: lists the variables whose names begin so.
list_variables() {
  local key name prefix=$1 value found=
  while :; do case $prefix in *[\ "$TAB"]) prefix=${prefix%?} ;; *) break ;; esac; done
  read_environment
  for name in $names; do
    load_known "${name%%=*}" "${name#*=}"
  done
  upper "$prefix"
  prefix=$R
  found=$(
    IFS=' '
    for key in $known; do
      IFS=$NL
      # Keys are capitals, digits, "_" and x with two digits.
      eval "value=\$v_$key name=\$n_$key"
      [ -n "$value" ] || continue
      upper "$name"
      case $R in "$prefix"*) printf '%s=%s\n' "$name" "$value" ;; esac
    done | LC_ALL=C sort -f
  )
  if [ -z "$found" ]; then
    complain "Environment variable $1 not defined" 1
    return 1
  fi
  printf '%s\n' "$found"
}

# Reads a variable of the environment unless the script has it already.
load_known() {
  case $known in *" $1 "*) return 0 ;; esac
  load_one "$1" "$2"
}

# set /p: shows the question, and reads one line of the standard input.
ask() {
  local line=
  printf %s "$3"
  IFS= read -r line || [ -n "$line" ] || { fail 1; return; }
  line=${line%"$CR"}
  if [ -z "$line" ] || [ -z "$1" ]; then fail 1; return; fi
  put "$1" "$2" "$line"
}

# Sets R to a PATH of Linux as Windows shows it.
windows_path() {
  local rest=$1
  R=
  while :; do
    case $rest in
      *:*) R=$R${rest%%:*}\;; rest=${rest#*:} ;;
      *) R=$R$rest; return 0 ;;
    esac
  done
}

# Gives programs the PATH of Linux that a PATH of Windows means.
export_path() {
  local rest=$1\; part out=
  while [ -n "$rest" ]; do
    part=${rest%%;*}
    rest=${rest#*;}
    [ -n "$part" ] || continue
    path "$part"
    out=$out${out:+:}$R
  done
  export PATH="$out"
}

# setlocal: remembers all variables and the folder.
scope_begin() {
  local key
  scopes=$((scopes + 1))
  IFS=' '
  for key in $known; do
    IFS=$NL
    # $scopes is a number, and keys are capitals, digits, "_" and x with two digits.
    eval "s${scopes}_$key=\$v_$key"
  done
  IFS=$NL
  eval "s${scopes}_known=\$known s${scopes}_folder=\$PWD"
}

# endlocal: brings variables and the folder back.
scope_end() {
  local key old name before folder
  [ "$scopes" -gt 0 ] || return 0
  # The names are made of a number and a key, as in scope_begin.
  eval "before=\$s${scopes}_known folder=\$s${scopes}_folder"
  IFS=' '
  for key in $known; do
    IFS=$NL
    case $before in
      *" $key "*) eval "old=\$s${scopes}_$key name=\$n_$key" ;;
      *) eval "old= name=\$n_$key" ;;
    esac
    eval "[ \"\$old\" = \"\$v_$key\" ]" || put "$key" "$name" "$old"
  done
  IFS=$NL
  scopes=$((scopes - 1))
  [ "$folder" = "$PWD" ] || enter "$folder"
}

# Tells whether a variable has a value; $1 is a name that is known only now.
defined() {
  value_of "$1"
  [ -n "$R" ]
}
