@echo off
echo;
echo,
echo=
set S=;
echo %S%
(call)
echo %errorlevel%
(call )
echo %errorlevel%
for /d /r %%d in (*) do echo %%d
for /r /d %%d in (*) do echo %%~nxd
copy -n.txt b.txt
type -n.txt
copy *.txt sub
ren -n.txt -m.txt
sort -m.txt
for /f %%i in (-m.txt) do echo %%i
attrib +r -m.txt
attrib -r -m.txt
md -x
cd -x
cd ..
md -
cd -
cd ..
rd -x -
move -m.txt sub
del /q sub\*.txt
xcopy b.txt -out\ /y
dir /b -out
robocopy sub -rob /e >nul
rd /s /q -out
rd /s /q -rob
del b.txt
dir /b
