@echo off
cmd /c exit 9
echo end
