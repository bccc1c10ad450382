@echo off
call :greet one "two words"
echo back %ERRORLEVEL%
call :fails
echo code %ERRORLEVEL%
exit /b 0
:greet
echo [%0] [%1] [%~2] [%2] [%3] [%*]
goto :eof
:fails
exit /b 4
