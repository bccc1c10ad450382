@echo off
set MyVar=one
echo %MYVAR% %myvar%
if defined MYVAR echo defined
type DATA\FILE.TXT
if exist Data\File.txt echo exists
echo more>> Data\FILE.txt
type data\file.txt
echo %path_from_env%
cd DATA
echo %CD%
