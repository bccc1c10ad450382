echo started at %~dp0
cd /d %~dp0
IF NOT EXIST out (mkdir out)
set "LOG=out\job.log"
echo run > %LOG%
call :step one >> %LOG% 2>&1
type %LOG%
@exit /b %ERRORLEVEL%
:step
@echo step %1
