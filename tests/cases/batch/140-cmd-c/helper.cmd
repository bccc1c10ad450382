@echo off
echo help %1
exit 2
