@echo off
dir /b
dir /b /ad
dir /b /a-d *.txt
dir /s /b sub
dir /b /o-n *.txt
dir nothere 2>nul
echo %ERRORLEVEL%
