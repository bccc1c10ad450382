@echo off
cmd /c exit 3
if %ERRORLEVEL%==3 echo text
if %ERRORLEVEL% EQU 3 echo number
if errorlevel 3 echo at least three
if errorlevel 4 echo at least four
if not errorlevel 4 echo less than four
if %ERRORLEVEL% GTR 2 if %ERRORLEVEL% LEQ 3 echo between
set X=1
echo %ERRORLEVEL%
cmd /c exit /b 6
echo keeps
echo %ERRORLEVEL%
cd .
echo %ERRORLEVEL%
