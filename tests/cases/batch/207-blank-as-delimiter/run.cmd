@echo off
set V=1
if "%V%"=="1" (set R=yes) else set R=no
echo %R%
for /f "tokens=1-4 delims=/ " %%a in ("Thu 01/02/2025") do set D=%%d-%%b-%%c
echo %D%
if not exist data md data
copy /b a.txt+a.txt data\j.txt >nul
for %%F in (data\j.txt) do echo %%~zF
for /f %%n in ('type a.txt ^| find /c /v ""') do echo lines %%n
for /f "tokens=*" %%a in ('echo a ^& echo b') do echo %%a
set /p="no newline" <nul
echo.
<nul set /p x=prompt:
echo.
echo %~1
if "%~2" neq "" echo two
if %V% gtr 0 if %V% lss 2 (echo between)
if exist data\* echo any
if exist "*.txt" echo txt
pushd data & dir /b & popd
cmd /v:on /c "set Q=5&echo !Q!"
setlocal disabledelayedexpansion
echo wow!
(echo x)>o.txt & type o.txt
if 1==1 echo a>p.txt
type p.txt
echo 1>q.txt
type q.txt
echo 2 >q.txt
type q.txt
move /y q.txt data >nul & if exist data\q.txt echo moved
del data\*.* /q
rd data
echo %errorlevel%
exit /b %V%
