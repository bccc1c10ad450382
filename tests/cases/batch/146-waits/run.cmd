@echo off
timeout /t 0 /nobreak > nul
ping -n 1 127.0.0.1 > nul
title A title
color 0a
cls
chcp 65001 > nul
verify off
ver > nul
pause > nul
echo done
