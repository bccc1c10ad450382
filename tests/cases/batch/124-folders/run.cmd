@echo off
mkdir a\b\c
if exist a\b\c\ echo made
md "with space" & if exist "with space" echo spaced
mkdir a 2>nul
echo %ERRORLEVEL%
pushd a\b
echo %CD%
popd
echo %CD%
rd a 2>nul || echo not empty
rd /s /q a
if not exist a echo gone
cd "with space"
cd
cd ..
cd nowhere 2>nul || echo no such folder
cd /d %~dp0
echo %CD%
