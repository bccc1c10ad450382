@echo off
echo %~dp0
echo %~f0
echo %~n0 %~x0 %~nx0
cd sub
echo %~dp0
for %%i in ("%~dp0.") do echo %%~fi
for %%i in (x.txt) do echo %%~dpnxi %%~di
