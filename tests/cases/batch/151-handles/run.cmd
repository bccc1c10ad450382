@echo off
call :both > out.txt 2> err.txt
type out.txt
type err.txt
call :both > all.txt 2>&1
type all.txt
echo to nowhere 1>nul
exit /b 0
:both
echo to out
echo to err 1>&2
goto :eof
