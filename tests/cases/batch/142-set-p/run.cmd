@echo off
set ANSWER=default
set /p ANSWER=Name? 
echo.
echo %ANSWER%
set /p FIRST=<first.txt
echo %FIRST%
<nul set /p "=no newline"
echo.
