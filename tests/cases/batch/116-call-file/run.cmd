@echo off
call helper.cmd one "two"
echo after %ERRORLEVEL% %FROM_HELPER%
call sub\other 5
echo other %ERRORLEVEL%
call "%~dp0sub\other.bat" 6
echo again %ERRORLEVEL%
call missing.cmd 2>nul
echo missing %ERRORLEVEL%
