@echo off
for %%i in (1 2 3) do (
  if %%i==2 (
    echo two
  ) else if %%i==3 (
    echo three
  ) else (
    echo other
  )
)
if "%~1"=="" (
  echo noarg
) else (
  echo arg
)
set T=0
for /l %%i in (1,1,5) do set /a T+=%%i
echo %T%
setlocal EnableDelayedExpansion
set i=0
for %%f in (*.txt) do (
  set /a i+=1
  set "f[!i!]=%%~nf"
)
for /l %%k in (1,1,%i%) do echo !f[%%k]!
set str=abcdef
for /l %%k in (0,1,2) do echo !str:~%%k,2!
if !i! gtr 1 (echo many) else echo few
set "line=a!b"
echo done!
endlocal
set "a=1" & set "b=2"
if %a%==1 if %b%==3 (echo x) else echo y
goto skip
echo no
:skip
call :func res 5
echo %res%
exit /b %res%
:func
setlocal
set /a v=%2*2
endlocal & set %1=%v%
goto :eof
