# Ends a command with a code: ERRORLEVEL, and what && and || go by.
leave() {
  err=$1 code=$1
  [ "$1" -eq 0 ]
}

# Fails with a code.
fail() {
  err=$1 code=$1
  return 1
}

# Fails with a code, and says why.
complain() {
  printf '%s\n' "$1" >&2
  fail "$2"
}

# Ends all with an error of syntax when a side of `if` without quotes is empty. $1: the side, $2: what cmd stumbles over.
given() {
  case $1 in *[!\ "$TAB",\;=]*) return 0 ;; esac
  if [ -n "${2-}" ]; then
    printf '%s was unexpected at this time.\n' "$2" >&2
  else
    printf 'The syntax of the command is incorrect.\n' >&2
  fi
  exit 255
}

# Between || and what follows: ERRORLEVEL is the code of what failed. Some commands of cmd set it here alone.
failed() {
  err=$code
  return 1
}

# Ends the process. Linux keeps the lowest eight bits of a code, and a failure has to stay one.
quit() {
  local low=$(($1 & 255))
  [ "$1" -eq 0 ] || [ "$low" -ne 0 ] || low=255
  exit "$low"
}

# Ends the process behind the last line. A name that was no command counts no longer once another command went well.
finish() {
  [ "$err" -ne 9009 ] || [ "$last" -ne 0 ] || err=0
  quit "$err"
}

# Ends a batch file or subroutine with a code that is known only now.
leave_with() {
  number "$1" || :
  leave "$R"
}

# Runs a batch file, or from a label on. $1: its function, $2: the label, $3: %0, $4: the text of the arguments.
invoke() {
  local before=$scopes a0=$3 all=$4 rest=$4 word at=$2 a1= a2= a3= a4= a5= a6= a7= a8= a9=
  ! next_word || { a1=$word; ! next_word; } || { a2=$word; ! next_word; } || { a3=$word; ! next_word; } ||
    { a4=$word; ! next_word; } || { a5=$word; ! next_word; } || { a6=$word; ! next_word; } ||
    { a7=$word; ! next_word; } || { a8=$word; ! next_word; } || a9=$word
  "$1"
  last=$?
  while [ "$scopes" -gt "$before" ]; do scope_end; done
  leave "$err"
}

# shift, from argument $1 on.
shift_arguments() {
  [ "$1" -gt 0 ] || a0=$a1
  [ "$1" -gt 1 ] || a1=$a2
  [ "$1" -gt 2 ] || a2=$a3
  [ "$1" -gt 3 ] || a3=$a4
  [ "$1" -gt 4 ] || a4=$a5
  [ "$1" -gt 5 ] || a5=$a6
  [ "$1" -gt 6 ] || a6=$a7
  [ "$1" -gt 7 ] || a7=$a8
  [ "$1" -gt 8 ] || a8=$a9
  if next_word; then a9=$word; else a9=; fi
}

# call of a program: ERRORLEVEL is 1 when there is no such command.
called() {
  "$@" && return 0
  [ "$err" -ne 9009 ] || err=1
  return 1
}

# goto with a label that is known only now: sets R to it in lower case.
label() {
  local text=$1 rest out= char
  text=${text#:}
  text=${text%%[\ "$TAB":+,\;=]*}
  R=$(printf %s "$text" | tr ABCDEFGHIJKLMNOPQRSTUVWXYZ abcdefghijklmnopqrstuvwxyz)
}

# goto, or call, of a label that the file does not have.
no_label() {
  complain "The system cannot find the batch label specified - $1" 1
}

# Shows the prompt and a command, as cmd does until `echo off`.
trace() {
  [ "$echo" = off ] && return 0
  prompt_text
  printf '\n%s%s\n' "$R" "$1"
}

# Sets R to the prompt.
prompt_text() {
  local rest=${prompt:-\$P\$G} char
  R=
  while [ -n "$rest" ]; do
    case $rest in
      \$?*)
        char=${rest#?}
        char=${char%"${char#?}"}
        rest=${rest#??}
        case $char in
          [pP]) char=$cwd ;; [gG]) char='>' ;; [lL]) char='<' ;; [bB]) char='|' ;; [aA]) char='&' ;; [qQ]) char='=' ;;
          [cC]) char='(' ;; [fF]) char=')' ;; [sS]) char=' ' ;; _) char=$NL ;; \$) ;; [nN]) char= ;;
          [eE]) char=$(printf '\033') ;; [vV]) char='Microsoft Windows [Version 10.0.14393]' ;;
          [dD]) char=$(LC_ALL=C date '+%a %m/%d/%Y') ;; [tT]) char=$(date '+%H:%M:%S.00') ;; *) char= ;;
        esac
        R=$R$char
        ;;
      *) char=${rest%%\$*}; [ -n "$char" ] || char=$rest; R=$R$char; rest=${rest#"$char"} ;;
    esac
  done
}

# echo with a text.
say() {
  printf '%s\n' "$1"
}

# echo with a text that is known only now: on, off, nothing or a text.
echo_text() {
  local rest=$1
  while :; do case $rest in [\ "$TAB"]*) rest=${rest#?} ;; *[\ "$TAB"]) rest=${rest%?} ;; *) break ;; esac; done
  case $rest in
    '') printf 'ECHO is %s.\n' "$echo" ;;
    [oO][nN]) echo=on ;;
    [oO][fF][fF]) echo=off ;;
    *) printf '%s\n' "$1" ;;
  esac
}
