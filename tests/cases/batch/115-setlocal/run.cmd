@echo off
set X=outer
setlocal
set X=inner
cd sub
echo %X% %CD%
endlocal
echo %X% %CD%
call :sub
echo [%X%] [%Y%]
setlocal
set Z=kept
endlocal & set Z=%Z%
echo %Z%
exit /b
:sub
setlocal
set X=changed
set Y=local
goto :eof
