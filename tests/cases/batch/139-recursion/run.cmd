@echo off
call :down 3
exit /b
:down
setlocal
set N=%1
echo %N%
set /a M=%N%-1
if %M% GTR 0 call :down %M%
echo up %N%
exit /b
