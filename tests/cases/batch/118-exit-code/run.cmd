@echo off
cmd /c exit 5
exit %ERRORLEVEL%
