@echo off
set KEY=COLOR
set %KEY%=blue
call echo %%%KEY%%%
set IDX_1=first
set IDX_2=second
for /l %%i in (1,1,2) do call echo %%i is %%IDX_%%i%%
for /f "tokens=1,2 delims==" %%a in (settings.ini) do set %%a=%%b
echo %HOST%:%PORT%
