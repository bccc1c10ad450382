@echo off
call :sub "data\x.csv" data\none.txt
for %%F in ("%~dp0data\*.csv") do echo %%F %%~dpF %%~zF
for %%F in (*.cmd) do echo %%~dpF %%~fF
for /r %%F in (*.csv) do echo %%F
for /r "%~dp0data" %%F in (.) do echo %%~fF
echo %~f1 %~nx1 [%~x1]
exit /b 0
:sub
echo %~dp1 %~nx1 %~z1
echo %~f2 [%~z2]
exit /b
