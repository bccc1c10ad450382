@echo off
nosuchprogram --x
echo %ERRORLEVEL%
nosuchprogram 2>nul || echo not there
exit /b %ERRORLEVEL%
