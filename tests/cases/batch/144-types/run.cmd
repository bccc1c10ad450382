@echo off
type a.txt
type a.txt b.txt 2>nul
type nothere 2>nul
echo %ERRORLEVEL%
type nul > empty.txt
for %%f in (empty.txt) do echo size %%~zf
copy nul touched.txt >nul
if exist touched.txt echo touched
more < a.txt
