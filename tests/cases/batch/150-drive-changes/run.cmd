@echo off
D:
cd \home 2>nul
cd /d "%WEBJOBS_PATH%"
c:
echo %CD%
cd sub\..
echo %CD%
if exist "%WEBJOBS_PATH%\run.cmd" echo there
