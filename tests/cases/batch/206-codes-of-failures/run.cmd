@echo off
type nofile.txt
echo %errorlevel%
cd nowhere
echo %errorlevel%
del nofile
echo %errorlevel%
copy nofile x
echo %errorlevel%
md sub
md sub
echo %errorlevel%
set /a X=1/0
echo %errorlevel%
find "zz" run.cmd >nul
echo %errorlevel%
cmd /c exit -1
echo %errorlevel%
call nofile.bat
echo %errorlevel%
call :nolabel
echo %errorlevel%
goto nolabel
echo not here
