@echo off
copy a.txt b.txt
copy /y a.txt sub > nul
if exist sub\a.txt echo in sub
copy *.txt sub
move b.txt c.txt
ren c.txt d.txt
if exist d.txt if not exist c.txt echo renamed
del d.txt
if not exist d.txt echo deleted
copy nothere.txt x.txt 2>nul
echo %ERRORLEVEL%
del /q sub\*.txt
dir /b sub
xcopy a.txt target\ /y /q
if exist target\a.txt echo xcopied
copy /b a.txt+a.txt twice.bin >nul
type twice.bin
