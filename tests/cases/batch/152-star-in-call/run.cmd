@echo off
call :show %*
call :show "%~1" rest
exit /b
:show
echo %* [%1] [%2]
exit /b
