@echo off
GOTO :Third
:first
echo first
goto End
:THIRD
echo third
goto FIRST
:end
echo end
goto nolabel
echo not reached
