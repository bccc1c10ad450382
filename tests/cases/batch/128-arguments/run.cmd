@echo off
echo 1=%1 2=%2 3=%3 all=%*
shift
echo 1=%1 2=%2 all=%*
:next
if "%~1"=="" goto end
echo arg %~1
shift
goto next
:end
echo %0
