@echo off
start /b /wait cmd /c echo waited
start "" /b /wait cmd /c exit 3
echo %ERRORLEVEL%
