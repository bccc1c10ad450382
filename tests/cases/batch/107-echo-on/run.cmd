echo hello
@echo quiet
set X=1
if "%X%"=="1" echo one
if 1==2 (echo two) else (echo other)
rem a remark
(
echo in
echo block
)
for %%i in (a b) do echo %%i
echo done>nul
@echo off
echo end
