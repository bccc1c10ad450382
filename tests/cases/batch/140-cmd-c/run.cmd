@echo off
cmd /c "echo one & echo two"
cmd /c "set X=inner & exit 4"
echo %ERRORLEVEL% [%X%]
cmd /c helper.cmd arg
echo %ERRORLEVEL%
%ComSpec% /c echo by ComSpec
cmd.exe /q /c echo quiet
