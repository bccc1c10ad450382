echo on here
for %%i in (1 2) do (
  if %%i==2 goto out
  echo %%i
)
:out
call :x || echo failed
if "a"=="b" (
  echo no
)
echo last > nul
@if exist run.cmd echo silent
(echo a
echo b)
set "A=1" & set B=2
echo %A%%B% >> o.txt 2>&1
cmd /c "exit 2" || echo code %errorlevel%
type nofile 2>nul | find "x" > nul && echo hi
exit /b
:x
exit /b 1
