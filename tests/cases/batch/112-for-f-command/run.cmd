@echo off
for /f "delims=" %%i in ('echo hello world') do set OUT=%%i
echo %OUT%
for /f "tokens=2 delims==" %%v in ('set MYVAR') do echo value %%v
for /f "tokens=1-3 delims=/: " %%a in ("10:20:30") do echo %%a %%b %%c
for /f "usebackq tokens=1,2" %%a in (`echo x y z`) do echo %%b%%a
for /f "usebackq" %%a in ('literal text') do echo %%a
for /f "delims=" %%i in ('type list.txt ^| find "b"') do echo found %%i
