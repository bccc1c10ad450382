@echo off
echo [%1] [%2] [%3] [%4] [%5] [%6] [%7] [%8] [%9]
echo [%~2] [%*]
shift
echo [%1] [%2] [%*]
shift /2
echo [%1] [%2]
call :s %*
for %%a in (%*) do echo item %%a
goto :eof
:s
echo sub [%1] [%~6] [%0]
exit /b 4
