@echo off
echo one ^
two ^
three
set LONG=a^
b
echo %LONG%
if "1"=="1" ^
echo yes
