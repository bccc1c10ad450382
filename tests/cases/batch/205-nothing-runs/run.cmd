@echo off
for %%a in (%*) do (echo %%a)
set X=%1 %2
%X% 2>nul
call :s %*
call echo %*
set /a N=%1 2>nul
for /f "tokens=*" %%l in ("%*") do echo %%l
if exist %1 echo hm
md "%~1"
dir /b
goto :eof
:s
echo %1 %2 %3 %~nx1
